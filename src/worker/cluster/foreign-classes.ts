import type { RawConfig } from '../../api/config.ts'
import { type ConfigProblem, messageOf } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import { invalidConfig } from '../configs/connector-check.ts'
import type { Peers } from './peers.ts'
import type { Place } from './place.ts'

const DEADLINE = 30_000

/**
 * Checks a configuration whose class this worker does not have, and another one may: workers of both kinds, or with
 * other packages, share a group. The member that has the class checks it, as a client would have it checked there.
 */
export class ForeignClasses {
  readonly #place: Pick<Place, 'others'>
  readonly #peers: Pick<Peers, 'ask' | 'self'>
  readonly #log: Logger

  constructor(place: Pick<Place, 'others'>, peers: Pick<Peers, 'ask' | 'self'>, log: Logger) {
    this.#place = place
    this.#peers = peers
    this.#log = log
  }

  /** Whether some other member has the class. @throws ConfigError with what that member finds wrong */
  async check(className: string, config: RawConfig): Promise<boolean> {
    for (const url of this.#place.others) {
      const problems = await this.#problems(url, className, config)
      if (problems === undefined) continue
      if (problems.length > 0) throw invalidConfig(problems)
      const fields = { connector: config['name'], class: className, checkedBy: url }
      this.#log.warn('this worker does not have the class of a connector; another one checked it', fields)
      return true
    }
    return false
  }

  /** What a member finds; undefined where it does not have the class either, or does not answer. */
  async #problems(url: string, className: string, config: RawConfig): Promise<ConfigProblem[] | undefined> {
    try {
      const { status, body } = await this.#peers.ask({
        method: 'PUT',
        url: `${url.replace(/\/+$/, '')}/connector-plugins/${encodeURIComponent(className)}/config/validate`,
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: Buffer.from(JSON.stringify(config)),
        deadline: DEADLINE,
        caller: this.#peers.self,
      })
      if (status !== 200) return undefined
      const problems = found(JSON.parse(body.toString('utf8')))
      return problems.some(({ path }) => path === 'connector.class') ? undefined : problems
    } catch (error) {
      const fields = { worker: url, class: className, error: messageOf(error) }
      this.#log.warn('another worker could not be asked about a class', fields)
      return undefined
    }
  }
}

/** The errors of Kafka Connect's ConfigInfos. */
function found(infos: unknown): ConfigProblem[] {
  const { configs } = infos as { configs?: unknown }
  if (!Array.isArray(configs)) throw new TypeError('its answer has no list of configs')
  return configs.flatMap((each: unknown) => {
    const { value } = each as { value?: { name?: unknown; errors?: unknown } }
    const errors = Array.isArray(value?.errors) ? value.errors : []
    return errors.map((message: unknown) => ({ path: String(value?.name), message: String(message) }))
  })
}
