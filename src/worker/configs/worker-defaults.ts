import type { RawConfig } from '../../api/config.ts'
import { converterOf, versionKey } from '../../runtime/plugins/configured-plugins.ts'
import { converters, isNamed, versionsOf } from '../../runtime/plugins/plugins.ts'
import { classNameOf, type KnownKey } from './key-finder.ts'

const STORAGE = 'org.apache.kafka.connect.storage'
export const SIMPLE_HEADER = 'SimpleHeaderConverter'
const SIMPLE = `${STORAGE}.${SIMPLE_HEADER}`

/** Converters of headers, which travel as the bytes that they are: these give the same bytes. */
export const HEADER_CONVERTERS = [
  SIMPLE_HEADER,
  SIMPLE,
  'StringConverter',
  `${STORAGE}.StringConverter`,
  'ByteArrayConverter',
  'org.apache.kafka.connect.converters.ByteArrayConverter',
]
export const HEADER_VERSION = '1.0.0'

interface Offered {
  readonly className: string
  readonly classes: readonly string[]
  readonly versions: readonly string[]
}

/**
 * The keys of converters with what stands for them where a configuration names none: the worker's converters, in their
 * latest versions; and with the converters that there are.
 */
export function withWorkerDefaults(
  keys: readonly KnownKey[],
  raw: RawConfig,
  defaults: RawConfig,
): readonly KnownKey[] {
  return ['key.converter', 'value.converter', 'header.converter'].reduce((known, path) => {
    const offered = path === 'header.converter' ? headerConverter(raw) : workersConverter(defaults, path)
    return known.map((each) => offeredFor(each, path, raw, offered))
  }, keys)
}

function offeredFor(known: KnownKey, path: string, raw: RawConfig, offered: Offered): KnownKey {
  const { name, key } = known
  if (name === path)
    return { ...known, key: { ...key, default: offered.className, recommended: offered.classes } }
  const isHeader = path === 'header.converter'
  if (name !== versionKey.converter(path) || (raw[path] !== undefined && !isHeader)) return known
  return { ...known, key: { ...key, default: offered.versions.at(-1), recommended: offered.versions } }
}

function workersConverter(defaults: RawConfig, path: string): Offered {
  const plugin = converterOf(defaults, path)
  return {
    className: classNameOf(plugin),
    classes: [...new Set(converters.map(classNameOf))],
    versions: versionsOf(plugin),
  }
}

function headerConverter(raw: RawConfig): Offered {
  const given = raw['header.converter']?.trim() ?? SIMPLE
  const plugin = converters.find((each) => isNamed(each, given))
  const isThere = HEADER_CONVERTERS.includes(given)
  const versions = plugin === undefined ? [HEADER_VERSION] : versionsOf(plugin)
  return {
    className: SIMPLE,
    classes: HEADER_CONVERTERS.filter((name) => name.includes('.')),
    versions: isThere ? versions : [],
  }
}
