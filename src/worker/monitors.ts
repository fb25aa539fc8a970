import { messageOf } from '../api/errors.ts'
import type { Logger } from '../api/log.ts'
import { MONITOR, type TaskId } from '../runtime/host/protocol.ts'
import { connectorOf } from '../runtime/plugins/configured-plugins.ts'
import type { TaskConfigs } from './assigned-work.ts'
import type { TaskRun } from './hosts/task-run.ts'

export interface MonitorsOptions {
  /** Makes the run of a monitor, not started yet. */
  readonly create: (id: TaskId, configs: TaskConfigs, onReconfigure: () => void) => TaskRun
  /** Asks a source for the configs of its tasks, and writes them where they changed. */
  readonly reconfigure: (connector: string) => Promise<void>
  readonly log: Logger
}

const FIRST_PAUSE = 1_000
const LONGEST_PAUSE = 60_000

/** The monitors of the sources that this worker has, as long as these run. */
export class Monitors {
  readonly #options: MonitorsOptions
  readonly #runs = new Map<string, TaskRun>()
  /** Connectors that have asked, and whose answer is not written yet; `again`: they asked meanwhile. */
  readonly #asking = new Map<string, { again: boolean }>()

  constructor(options: MonitorsOptions) {
    this.#options = options
  }

  /** Nothing where the connector is no source, or has no monitor. */
  start(connector: string, configs: TaskConfigs): void {
    const plugin = connectorOf(configs.resolved)
    if (plugin.kind !== 'source' || plugin.monitor === undefined) return
    const id = { connector, task: MONITOR }
    const run = this.#options.create(id, configs, () => this.#reconfigure(connector, run))
    this.#runs.set(connector, run)
    run.start()
  }

  async stop(connector: string): Promise<void> {
    const run = this.#runs.get(connector)
    this.#runs.delete(connector)
    await run?.stop()
  }

  /** What is asked while an answer is on its way is asked once more; what fails is tried again, as in Kafka Connect. */
  #reconfigure(connector: string, run: TaskRun, pause = FIRST_PAUSE): void {
    if (this.#runs.get(connector) !== run) return
    const asking = this.#asking.get(connector)
    if (asking !== undefined) {
      asking.again = true
      return
    }
    const { reconfigure, log } = this.#options
    const now = { again: false }
    this.#asking.set(connector, now)
    void reconfigure(connector)
      .finally(() => this.#asking.delete(connector))
      .then(
        () => now.again && this.#reconfigure(connector, run),
        (error: unknown) => {
          const fields = { connector, pause, error: messageOf(error) }
          log.warn('the tasks could not be configured anew; trying again', fields)
          const longer = Math.min(LONGEST_PAUSE, pause * 2)
          setTimeout(() => this.#reconfigure(connector, run, longer), pause).unref()
        },
      )
  }
}
