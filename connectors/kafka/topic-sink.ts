import {
  type ConfigOf,
  type ConfigProblem,
  DataError,
  defineConfig,
  type EmitOptions,
  key,
  type RecordBatch,
  type SinkConnector,
  type SinkContext,
  type SinkTask,
} from 'sluice'

const TOPIC = '${topic}'

const config = defineConfig({
  'target.topic': key.string({
    doc: `The topic that records are written to; ${TOPIC} stands for the topic a record is on its way to (its source topic, unless a transform routes it).`,
    importance: 'HIGH',
    group: 'Target',
    default: TOPIC,
    check: checkTarget,
  }),
  'target.partition': key.string({
    doc: '`keep`: a record goes to the partition it came from. `key`: the hash of its key decides, as in a Kafka producer.',
    importance: 'MEDIUM',
    group: 'Target',
    default: 'keep',
    recommended: ['keep', 'key'],
    check: (value) => (value === 'keep' || value === 'key' ? undefined : 'Expected keep or key'),
  }),
  'target.key.converter': key.plugin({
    doc: 'The converter that writes keys, with its options below this name. Default: the connector’s key.converter.',
    importance: 'LOW',
    group: 'Target',
    optional: true,
  }),
  'target.value.converter': key.plugin({
    doc: 'The converter that writes values, with its options below this name. Default: the connector’s value.converter.',
    importance: 'LOW',
    group: 'Target',
    optional: true,
  }),
})

type Config = ConfigOf<typeof config.keys>

function checkTarget(value: string): string | undefined {
  const name = value.replaceAll(TOPIC, 't')
  if (!/^[a-zA-Z0-9._-]+$/.test(name))
    return `A topic name has letters, digits, ".", "_" and "-" only, besides ${TOPIC}`
  return name.length > 249 || name === '.' || name === '..' ? 'Not a topic name' : undefined
}

/** The loops that can be seen before a record runs; the rest is refused per record. */
function validate(
  values: Config,
  raw: Readonly<Record<string, string>>,
  reads: (topic: string) => boolean,
): ConfigProblem[] {
  const target = values['target.topic']
  const readsNothing = [raw['topics'], raw['topics.regex']].every((named = '') => named.trim() === '')
  const routed = (raw['transforms'] ?? '').trim() !== ''
  if (readsNothing) return [] // which is said elsewhere
  if (target.includes(TOPIC) ? routed || target !== TOPIC : !reads(target)) return []
  const message = `Records would be written to ${target === TOPIC ? 'the topic they came from' : target}, which this connector reads. Choose another target.topic.`
  return [{ path: 'target.topic', message }]
}

/** Writes each record to a topic of the same Kafka, by default to the partition it came from. */
class TopicSinkTask implements SinkTask {
  readonly #target: string
  readonly #keepPartitions: boolean
  readonly #context: SinkContext
  #known = new Set<string>()

  constructor(values: Config, context: SinkContext) {
    this.#target = values['target.topic']
    this.#keepPartitions = values['target.partition'] === 'keep'
    this.#context = context
  }

  async put(batch: RecordBatch): Promise<void> {
    const targets = this.#targets(batch)
    for (const topic of new Set(targets.values())) await this.#ensure(topic, batch)
    const options: EmitOptions = { topic: (row) => targets.get(batch.topic(row)) ?? batch.topic(row) }
    this.#context.emit(batch, this.#keepPartitions ? options : { ...options, partition: () => -1 })
  }

  /** The target of each topic that live rows are on their way to. A row that would loop fails. */
  #targets(batch: RecordBatch): Map<string, string> {
    const targets = new Map<string, string>()
    let last: string | undefined
    let loops = false
    for (let row = 0; row < batch.length; row++) {
      if (!batch.isLive(row)) continue
      const topic = batch.topic(row)
      if (topic !== last) {
        const target = this.#target.replaceAll(TOPIC, topic)
        loops = target === batch.sourceTopic || this.#context.reads(target)
        if (!loops) targets.set(topic, target)
        last = topic
      }
      if (loops) {
        const message = `The record came from topic ${batch.sourceTopic} and would be written to ${this.#target.replaceAll(TOPIC, topic)}, which this connector reads. Choose another target.topic or route it elsewhere.`
        batch.fail(row, new DataError('record.loop', message))
      }
    }
    return targets
  }

  async #ensure(topic: string, batch: RecordBatch): Promise<void> {
    const route = `${batch.sourceTopic}-${batch.sourcePartition}→${topic}`
    if (this.#known.has(route)) return
    await this.#context.ensureTopic(topic, {
      sourceTopic: batch.sourceTopic,
      keepPartitions: this.#keepPartitions,
    })
    this.#known.add(route)
  }
}

export const topicSink: SinkConnector<typeof config.keys> = {
  kind: 'sink',
  name: 'TopicSink',
  version: '0.1.0',
  summary:
    'Writes records to another topic of the same Kafka: with transforms in between, the usual way to run a model.',
  emitsOnly: true,
  checkOffset: () => undefined, // it keeps none outside
  config,
  validate,
  open: (values, context) => new TopicSinkTask(values, context),
}
