import type { Logger } from '../api/log.ts'
import { levelNameOf, type LevelName, type LoggerLevel, type LogLevels } from '../runtime/host/log-levels.ts'
import type { ConfigStore } from './stores/config-store.ts'

export { levelNameOf, type LevelName, type LoggerLevel, type LogLevels } from '../runtime/host/log-levels.ts'

export interface ClusterLoggersOptions {
  readonly levels: LogLevels
  readonly configs: Pick<ConfigStore, 'putLoggerLevel'>
  readonly log: Logger
}

/** The levels of this worker's loggers and those of its task hosts, and changes of them for the whole cluster (KIP-976). */
export class ClusterLoggers {
  readonly #options: ClusterLoggersOptions

  constructor(options: ClusterLoggersOptions) {
    this.#options = options
  }

  get(logger: string): LoggerLevel | undefined {
    return this.#options.levels.get(logger)
  }

  all(): ReadonlyMap<string, LoggerLevel> {
    return this.#options.levels.all()
  }

  /** Acts here alone; gives the names of the loggers that changed. */
  setHere(logger: string, level: LevelName): string[] {
    const { levels, log } = this.#options
    const names = levels.set(logger, level)
    log.info('the level of a logger was set', { name: logger, to: level })
    return names
  }

  /** Acts on every worker that runs, this one too. One that starts later has its own settings. */
  setEverywhere(logger: string, level: string): Promise<void> {
    return this.#options.configs.putLoggerLevel(logger, level)
  }

  /** A worker of the cluster has set a level for all. */
  told(logger: string, level: string): void {
    const name = levelNameOf(level)
    if (name !== undefined) this.setHere(logger, name)
    else
      this.#options.log.warn('a level of the config topic is ignored: there is none of that name', {
        name: logger,
        level,
      })
  }
}
