import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'

/** Writes a package of plugins into a folder of that name; gives the folder. */
export async function writePackage(
  parent: string,
  name: string,
  code: string,
  manifest: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const folder = path.join(parent, name)
  await mkdir(folder, { recursive: true })
  const whole = {
    name,
    version: '1.0.0',
    type: 'module',
    keywords: ['sluice-plugin'],
    main: 'index.js',
    ...manifest,
  }
  await writeFile(path.join(folder, 'package.json'), JSON.stringify(whole))
  if (code !== '') await writeFile(path.join(folder, 'index.js'), code)
  return folder
}

/** The transform that docs/plugins.md shows: an uncommon name, so that tests of all plugins stay as they are. */
export const transformCode = (name: string): string => `
import { DataError, defineConfig, isStruct, key, mapRecords, struct } from 'sluice'

const config = defineConfig({ field: key.string({ doc: 'The field to write in capitals.' }) })

export const plugins = [
  {
    kind: 'transform',
    name: '${name}',
    version: '1.2.3',
    summary: 'Writes a string field in capitals.',
    config,
    examples: [],
    open: ({ field }, { side }) =>
      mapRecords((record) => {
        const data = record[side]
        if (!isStruct(data) || typeof data[field] !== 'string')
          throw new DataError('record.field', 'There is no text in ' + field)
        return { ...record, [side]: struct({ ...data, [field]: data[field].toUpperCase() }) }
      }),
  },
]
`

/** A sink that appends values as JSON to a file, and refuses its first batch in words of its own. */
export const sinkCode = (name: string): string => `
import { appendFileSync } from 'node:fs'
import { defineConfig, errorCode, key, toJson, UnavailableError } from 'sluice'

const config = defineConfig({ file: key.string({ doc: 'The file.' }) })

export default {
  kind: 'sink',
  name: '${name}',
  version: '4.5.6',
  summary: 'Appends values to a file.',
  config,
  open({ file }) {
    let first = true
    return {
      put(batch) {
        if (first) {
          first = false
          throw new UnavailableError(errorCode('${name.toLowerCase()}', 'asleep'), 'not awake yet')
        }
        for (let row = 0; row < batch.length; row++)
          if (batch.isLive(row)) appendFileSync(file, toJson(batch.value('value', row)) + '\\n')
      },
    }
  },
}
`

/**
 * A plugin of each kind that connectors name, in one version, whose one option is `option`: `<name>Sink`, `<name>Transform`,
 * `<name>Predicate`, `<name>Converter`. The transform writes its version in front of a text.
 */
export const versionedCode = (name: string, version: string, option: string): string => `
import { defineConfig, key, mapRecords } from 'sluice'

const config = defineConfig({ '${option}': key.string({ doc: 'An option.', default: '' }) })
const common = { version: '${version}', summary: 'Of version ${version}.', config, aliases: [], examples: [] }

export const plugins = [
  { ...common, kind: 'sink', name: '${name}Sink', open: () => ({ put() {} }) },
  {
    ...common,
    kind: 'transform',
    name: '${name}Transform',
    open: () => mapRecords((record) => ({ ...record, value: '${version}:' + record.value })),
  },
  { ...common, kind: 'predicate', name: '${name}Predicate', open: () => ({ matches: () => () => true }) },
  { ...common, kind: 'converter', name: '${name}Converter', open: () => ({ decode() {}, encode() {} }) },
]
`
