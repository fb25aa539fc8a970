import { randomUUID } from 'node:crypto'
import { messageOf } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import type { InternalTopic } from '../settings/modes.ts'
import { jsonObject, type LogRecord, type OpenLog, type RecordLog } from '../stores/record-log.ts'
import { SharedModels } from './shared-models.ts'
import { SharedSuspects } from './shared-suspects.ts'

export interface SharedLogOptions {
  readonly topic: InternalTopic
  readonly modelsDir: string
  readonly log: Logger
}

/** How long the start of a task waits for models that other workers took, where Kafka does not answer. */
const LONGEST_WAIT = 5_000

/**
 * What is Sluice's own and holds for the whole cluster: models that came over REST, and records that kill task hosts. It
 * is in a compacted topic beside Kafka Connect's three, where no worker in Java looks. Keys are paths:
 *
 *     upload/<id>                    {name, version, files}      a model begins
 *     chunk/<id>/<file>/<n>          bytes
 *     model/<name>/<version>/<id>    {}                          it is whole, and counts where it is the first
 *     suspects/<connector>/<topic>/<partition>                   see SharedSuspects
 */
export class SharedLog {
  readonly models: SharedModels
  readonly suspects: SharedSuspects
  readonly #log: RecordLog

  private constructor(log: RecordLog, models: SharedModels, suspects: SharedSuspects) {
    this.#log = log
    this.models = models
    this.suspects = suspects
  }

  /** Reads the topic to its end, and puts the models that are missing here below `models.dir`. */
  static async open(openLog: OpenLog, { topic, modelsDir, log }: SharedLogOptions): Promise<SharedLog> {
    const opened = Promise.withResolvers<RecordLog>()
    const append = async (key: string, value: string | Buffer | null): Promise<void> =>
      (await opened.promise).append(key, value)
    const models = new SharedModels({ modelsDir, append, log })
    const suspects = new SharedSuspects({ append, log, writer: randomUUID() })
    const records = await openLog(topic, (record) => read(record, models, suspects))
    opened.resolve(records)
    await models.settled()
    return new SharedLog(records, models, suspects)
  }

  /** Resolves when all models are here that were there at the time of the call; soon, where Kafka is away. */
  async current(): Promise<void> {
    const late = Promise.withResolvers<undefined>()
    const timer = setTimeout(() => late.resolve(undefined), LONGEST_WAIT)
    const read = this.#log.readToEnd().then(() => this.models.settled())
    await Promise.race([read, late.promise]).catch(() => undefined)
    clearTimeout(timer)
  }

  close(): Promise<void> {
    return this.#log.close()
  }
}

function read({ key, value }: LogRecord, models: SharedModels, suspects: SharedSuspects): void {
  const [kind, ...rest] = (key ?? '').split('/').map(decoded)
  if (kind === 'chunk' && value !== null) models.received(rest, value)
  else if (kind === 'model') models.ended(rest, value !== null)
  else if (kind === 'upload') models.began(rest, dataOf(value))
  else if (kind === 'suspects') suspects.read(rest, dataOf(value))
}

function dataOf(value: Buffer | null): Readonly<Record<string, unknown>> | null {
  return value === null ? null : (jsonObject(value) ?? null)
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** Opens the log; where its topic cannot be had, the worker goes on with what it has itself, and says so. */
export async function openSharedLog(
  openLog: OpenLog,
  options: SharedLogOptions,
): Promise<SharedLog | undefined> {
  const { topic, log } = options
  try {
    return await SharedLog.open(openLog, options)
  } catch (error) {
    const advice =
      'models that come over REST stay on this worker; set sluice.storage.topic to a compacted topic of one partition'
    log.warn(`the topic of what workers share cannot be used: ${advice}`, {
      topic: topic.topic,
      error: messageOf(error),
    })
    return undefined
  }
}
