import type { RawConfig } from '../../api/config.ts'
import type { SinkRecord } from '../../api/batch.ts'
import type { Logger } from '../../api/log.ts'
import type { Models } from '../../api/models.ts'
import { AtLeastOnceDelivery } from '../delivery/delivery.ts'
import { Encoder } from '../delivery/encoder.ts'
import { ErrorPolicy } from '../delivery/error-policy.ts'
import { noEvents } from '../host/opening-problems.ts'
import { openPlugins } from '../host/open-task.ts'
import type { HostSettings, TaskId } from '../host/protocol.ts'
import { TaskMetrics } from '../host/task-metrics.ts'
import { StageTracker } from '../host/stage-tracker.ts'
import { commonKeys } from '../plugins/connector-keys.ts'
import type { Batch } from '../records/batch.ts'
import type { Failure } from '../records/row-states.ts'
import { Capture, type Written } from './capture.ts'
import type { Unusable } from './input-batches.ts'

/** A connector whose configuration was checked, with the values of config providers, and what its tasks would run in. */
export interface DryRunOptions {
  readonly config: RawConfig
  readonly settings: HostSettings
  readonly models: Models
  readonly log: Logger
}

/** What came of one record that went in. */
export interface Outcome {
  /** Its place among the records that were given. */
  readonly record: number
  /** What would have been written to Kafka, in that order; of a sink that writes elsewhere what it would be given. */
  readonly outputs: readonly (Written | SinkRecord)[]
  /** Absent where it did not fail; without outputs it was dropped then. */
  readonly failure?: Failure
}

/** What came of some records that went in together, in their order. */
export interface Round {
  readonly outcomes: readonly Outcome[]
  /** What the task would have failed with: nothing behind the last outcome was looked at. */
  readonly stop?: unknown
  /** A record that could not be read from a topic, since it could not be written to one; nothing behind it was looked at. */
  readonly unusable?: Unusable
}

/**
 * Everything a task has but Kafka: plugins, error policy and delivery, with what would be sent kept. Dead letters are not
 * written: whoever runs it is told of the failures.
 */
export async function openParts({ config, settings, models, log }: DryRunOptions) {
  const id: TaskId = { connector: config['name'] ?? '', task: 0 }
  const stages = new StageTracker(() => undefined)
  const options = { id, config, paused: false, settings, models, log, events: noEvents() }
  const stopping = new AbortController()
  const plugins = await openPlugins(options, stopping.signal, stages)
  const policy = new ErrorPolicy(commonKeys.read(config), log)
  const capture = new Capture()
  const { client, producer } = capture
  const encoder = new Encoder({
    ...{ client, producer, converters: plugins.converters },
    ...{ workerTopics: settings.workerTopics, outside: stages.outside },
  })
  const commit = () => Promise.resolve() // nothing goes on from here
  const delivery = new AtLeastOnceDelivery({ producer, tolerant: policy.tolerant, commit })
  const pipeline = { policy, encoder, delivery, deadLetters: undefined, stages, metrics: new TaskMetrics() }
  return { id, stopping, plugins, capture, pipeline }
}

/** What came of the rows of a batch. `records`: the place of each row among the records that were given. */
export function outcomesOf(
  batch: Batch,
  records: Int32Array,
  outputs: ReadonlyMap<number, Outcome['outputs']>,
): Outcome[] {
  return Array.from(records, (record, row) => {
    const failure = batch.states.failure(row)
    const rest = failure === undefined ? {} : { failure }
    return { record, outputs: failure === undefined ? (outputs.get(row) ?? []) : [], ...rest }
  })
}
