import type { RawConfig } from '../../api/config.ts'
import { type ConfigProblem, ConfigError, RequestError } from '../../api/errors.ts'
import { MASK } from '../../api/credentials.ts'
import type { Logger } from '../../api/log.ts'
import { ConfigProviders, type Resolved } from '../../runtime/config-providers/config-providers.ts'
import { type ConfigInfos, configInfos, inOrder } from './config-infos.ts'
import { type CheckedConfig, checkConnectorConfig, unknownKeys } from './connector-config.ts'
import { unusedPredicates } from '../../runtime/chain/conditions.ts'
import type { TaskHosts } from '../hosts/task-hosts.ts'
import type { WorkerSettings } from '../settings/settings.ts'
import { requireConnector } from './plugin-catalogue.ts'
import { clusterProblems } from './cluster-check.ts'
import { withWorkerDefaults } from './worker-defaults.ts'

/** Shorter values stand in the words of other problems by chance. */
const SHORTEST_SECRET = 4
const ENDPOINT = '/connector-plugins/{connectorType}/config/validate'

/**
 * Checks a configuration as a whole: first what can be seen from here, then, where that is all right, by opening its
 * plugins and models in a task host (invariant 6: opening one may not return).
 */
export class ConnectorCheck {
  readonly #hosts: Pick<TaskHosts, 'validate'>
  readonly #log: Logger
  readonly #settings: WorkerSettings
  readonly #providers: ConfigProviders
  readonly #told = new Set<string>()

  constructor(hosts: Pick<TaskHosts, 'validate'>, settings: WorkerSettings, log: Logger) {
    this.#hosts = hosts
    this.#settings = settings
    this.#providers = new ConfigProviders(settings.configProviders)
    this.#log = log
  }

  /**
   * Kafka Connect's answer of `validate`; wrong values, `null` among them, are in it, not thrown.
   * @throws RequestError where the configuration is for another class, NotFoundError where nobody has the class
   */
  async infos(className: string, given: Readonly<Record<string, string | null>>): Promise<ConfigInfos> {
    const entries = Object.entries(given)
    const nulls = new Set(entries.flatMap(([name, value]) => (value === null ? [name] : [])))
    const config = Object.fromEntries(
      entries.flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
    )
    const requested = config['connector.class']?.trim() ?? className
    requireSameClass(requested, className)
    requireConnector(requested)
    const whole = { ...config, 'connector.class': requested }
    const { keys, problems } = await this.#checked(whole)
    const isReference = (value: string) => this.#providers.isReference(value)
    const shown = withWorkerDefaults(keys, whole, this.#settings.converterDefaults)
    return configInfos(requested, whole, { keys: shown, problems, nulls, isReference })
  }

  /** @throws ConfigError with every problem, in Kafka Connect's words */
  async require(config: RawConfig): Promise<void> {
    const { keys, problems } = await this.#checked(config)
    if (problems.length > 0) throw invalidConfig(problems)
    const connector = config['name'] ?? ''
    this.#tellOnce(connector, unknownKeys(config, keys), 'nothing reads some keys of a configuration')
    this.#tellOnce(connector, unusedPredicates(config), 'no transformation names some predicates')
  }

  /** With the values of config providers, of which none is in what comes out; hosts ask the providers themselves. */
  async #checked(written: RawConfig): Promise<CheckedConfig> {
    const { config, hide, wrong } = await this.#resolved(written)
    const checked = checkConnectorConfig(config)
    if (wrong.length > 0) return { ...checked, problems: wrong }
    const problems = [...checked.problems, ...clusterProblems(config, this.#settings)]
    const found = problems.length > 0 ? problems : await this.#hosts.validate(written)
    return { ...checked, problems: inOrder(hide(found), checked.keys) }
  }

  async #resolved(written: RawConfig) {
    try {
      const owner = `Connector ${written['name'] ?? ''}`
      const { config, provided } = await this.#providers.resolve(written, owner)
      const hide = (problems: readonly ConfigProblem[]) =>
        problems.map((each) => withoutValues(each, provided))
      return { config, hide, wrong: [] }
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      return {
        config: written,
        hide: (problems: readonly ConfigProblem[]) => problems,
        wrong: error.problems,
      }
    }
  }

  /** Keys that nobody defines, and predicates without a use, are accepted, as in Kafka Connect, and logged once. */
  #tellOnce(connector: string, keys: readonly string[], message: string): void {
    const fresh = keys.filter((key) => !this.#told.has(`${connector} ${key}`))
    for (const key of fresh) this.#told.add(`${connector} ${key}`)
    if (fresh.length > 0) this.#log.warn(message, { connector, keys: fresh })
  }
}

/** As in Kafka Connect the path may have the simple name of a class, and either may lack "Connector". */
function requireSameClass(requested: string, className: string): void {
  const bare = (name: string): string => name.replace(/(?<=.)Connector$/, '')
  if (bare(requested).endsWith(bare(className))) return
  const message = `Included connector type ${requested} does not match request type ${className}`
  throw new RequestError('request.invalid', message)
}

/** A problem of a key that refers to a provider shows nothing of the value; one of another key nothing that could be a secret. */
function withoutValues({ path, message }: ConfigProblem, provided: Resolved['provided']): ConfigProblem {
  let shown = message
  for (const [key, values] of provided)
    for (const value of values)
      if (value !== '' && (key === path || value.length >= SHORTEST_SECRET))
        shown = shown.replaceAll(value, MASK)
  return { path, message: shown }
}

/** In Kafka Connect's words. */
export function invalidConfig(problems: readonly ConfigProblem[]): ConfigError {
  const lines = problems.map(({ path, message }) =>
    message.includes(path) ? message : `${path}: ${message}`,
  )
  const listing = [
    `Connector configuration is invalid and contains the following ${problems.length} error(s):`,
    ...lines,
    `You can also find the above list of errors at the endpoint \`${ENDPOINT}\``,
  ]
  return new ConfigError(problems, listing.join('\n'))
}
