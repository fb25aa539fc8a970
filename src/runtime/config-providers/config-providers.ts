import type { RawConfig } from '../../api/config.ts'
import { ConfigError, type ConfigProblem, messageOf } from '../../api/errors.ts'
import type { ConfigProvider } from '../../api/plugins.ts'
import { ask, openProvider, pluginOf, type ProviderSettings } from './open-provider.ts'
import { configProviders } from './providers.ts'
import { type Reference, splitReferences } from './references.ts'

export type { ProviderSettings }

const PREFIX = 'config.providers'
const MOUNT =
  'Kubernetes, Vault and clouds can place their secrets in files or variables for one of these, and packages bring others.'

/** The providers that `config.providers` names; each problem by its key. */
export function readProviders(raw: ReadonlyMap<string, string>): {
  readonly providers: readonly ProviderSettings[]
  readonly problems: readonly ConfigProblem[]
} {
  const names = [...new Set((raw.get(PREFIX) ?? '').split(',').map((name) => name.trim()))].filter(Boolean)
  const problems: ConfigProblem[] = []
  const used = new Set([PREFIX])
  const providers = names.flatMap((name): ProviderSettings[] => {
    const path = `${PREFIX}.${name}.class`
    const className = raw.get(path)?.trim() ?? ''
    used.add(path)
    const prefix = `${PREFIX}.${name}.param.`
    const params = [...raw].filter(([key]) => key.startsWith(prefix))
    for (const [key] of params) used.add(key)
    if (className === '') {
      problems.push({ path, message: `is required: ${configProviders.map((each) => each.name).join(', ')}.` })
      return []
    }
    const plugin = pluginOf(className)
    if ('problem' in plugin) {
      problems.push({ path, message: `${plugin.problem} ${MOUNT}` })
      return []
    }
    const settings = Object.fromEntries(params.map(([key, value]) => [key.slice(prefix.length), value]))
    problems.push(...plugin.config.parse(settings, prefix).problems)
    const strange = Object.keys(settings).filter((key) => !Object.hasOwn(plugin.config.keys, key))
    for (const key of strange)
      problems.push({ path: prefix + key, message: `is not a parameter of ${plugin.name}.` })
    return [{ name, className, params: settings }]
  })
  for (const path of raw.keys()) {
    if (!path.startsWith(`${PREFIX}.`) || used.has(path)) continue
    problems.push({ path, message: `belongs to no provider that ${PREFIX} names (${names.join(', ')}).` })
  }
  return { providers, problems }
}

/** A configuration with the values of providers in it. */
export interface Resolved {
  readonly config: RawConfig
  /** The values that were asked for, by the key of the configuration that refers to them. */
  readonly provided: ReadonlyMap<string, readonly string[]>
}

/** What a provider gave for a path, or why it gave nothing. */
interface Answer {
  readonly values?: ReadonlyMap<string, string>
  readonly reason?: string
}

/** The config providers of a worker, open. Values are read anew for each configuration: none of them is kept. */
export class ConfigProviders {
  readonly #open: ReadonlyMap<string, ConfigProvider>
  readonly #names: ReadonlySet<string>

  constructor(settings: readonly ProviderSettings[] = []) {
    this.#open = new Map(settings.map((each) => [each.name, openProvider(each)] as const))
    this.#names = new Set(this.#open.keys())
  }

  /** Lets go of what providers hold. */
  close(): void {
    for (const provider of this.#open.values()) provider.close?.()
  }

  /** Whether a value is one reference and nothing else: it may be shown, whatever it stands for. */
  isReference(value: string): boolean {
    const parts = splitReferences(value.trim(), this.#names)
    return parts.length === 1 && typeof parts[0] === 'object'
  }

  /**
   * Puts values in the place of references, in all keys but `name`. What a value itself refers to stays text.
   * @throws ConfigError with every reference that gives nothing; `owner` is who refers, e.g. `Connector fraud`
   */
  async resolve(config: RawConfig, owner: string): Promise<Resolved> {
    const split = Object.entries(config)
      .filter(([name, value]) => name !== 'name' && value.includes('${'))
      .map(([name, value]) => ({ name, parts: splitReferences(value, this.#names) }))
      .filter(({ parts }) => parts.some((part) => typeof part !== 'string'))
    if (split.length === 0) return { config, provided: new Map() }
    const answers = await this.#ask(
      split.flatMap(({ parts }) => parts.filter((part) => typeof part !== 'string')),
    )
    const problems: ConfigProblem[] = []
    const provided = new Map<string, string[]>()
    const resolved = split.map(({ name, parts }): [string, string] => {
      const values: string[] = []
      const texts = parts.map((part) => {
        if (typeof part === 'string') return part
        const answer = answers.get(placeOf(part))
        const value = answer?.values?.get(part.key)
        if (value !== undefined) return (values.push(value), value)
        const why = answer?.reason ?? noKey(part)
        const message = `${owner}: config provider ${part.provider} gives nothing for ${part.text}: ${why}.`
        problems.push({ path: name, message })
        return ''
      })
      provided.set(name, values)
      return [name, texts.join('')]
    })
    if (problems.length > 0) throw new ConfigError(problems)
    return { config: { ...config, ...Object.fromEntries(resolved) }, provided }
  }

  /** The answer for each provider and path, or what was thrown. */
  async #ask(references: readonly Reference[]): Promise<ReadonlyMap<string, Answer>> {
    const places = Map.groupBy(references, placeOf)
    const asked = Array.from(places, async ([place, asking]): Promise<[string, Answer]> => {
      const [{ provider, path }] = asking as [Reference]
      try {
        const keys = new Set(asking.map(({ key }) => key))
        return [place, { values: await ask(this.#open.get(provider), path, keys) }]
      } catch (error) {
        return [place, { reason: messageOf(error) }]
      }
    })
    return new Map(await Promise.all(asked))
  }
}

function placeOf({ provider, path }: Reference): string {
  return `${provider}:${path}`
}

function noKey({ key, path }: Reference): string {
  return path === '' ? `"${key}" is not there, or not allowed` : `${path} has no key "${key}"`
}
