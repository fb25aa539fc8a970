import { messageOf } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import type { Place, SuspectsLog, SuspectsState } from '../hosts/suspects.ts'

export interface SharedSuspectsOptions {
  readonly append: (key: string, value: string | null) => Promise<void>
  readonly log: Logger
  /** Who this worker is: what it wrote itself it does not take over. */
  readonly writer: string
}

type Take = (connector: string, place: Place, state: SuspectsState | null) => void

/** What is known of records that kill task hosts, on all workers: a partition that moves takes it along. */
export class SharedSuspects implements SuspectsLog {
  readonly #options: SharedSuspectsOptions
  /** Read before anybody followed. */
  readonly #early = new Map<string, Parameters<Take>>()
  #take: Take | undefined

  constructor(options: SharedSuspectsOptions) {
    this.#options = options
  }

  /** Tells what is known, and from now on what other workers find out. */
  follow(take: Take): void {
    for (const known of this.#early.values()) take(...known)
    this.#early.clear()
    this.#take = take
  }

  /** Never throws: what cannot be written is known on this worker alone. */
  wrote(connector: string, { topic, partition }: Place, state: SuspectsState | null): void {
    const { append, log, writer } = this.#options
    const key = ['suspects', connector, topic, String(partition)].map(encodeURIComponent).join('/')
    const value = state === null ? null : JSON.stringify({ writer, ...state })
    append(key, value).catch((error: unknown) => {
      log.warn('what is known of records that kill task hosts could not be told to other workers', {
        error: messageOf(error),
      })
    })
  }

  read(
    [connector = '', topic = '', partition = '']: readonly string[],
    data: Readonly<Record<string, unknown>> | null,
  ): void {
    if (data?.['writer'] === this.#options.writer) return
    const place = { topic, partition: Number(partition) }
    const known: Parameters<Take> = [
      connector,
      place,
      data === null ? null : (data as unknown as SuspectsState),
    ]
    if (this.#take === undefined) this.#early.set(JSON.stringify([connector, place]), known)
    else this.#take(...known)
  }
}
