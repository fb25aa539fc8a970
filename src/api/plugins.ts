import type { RecordBatch, SideName, SinkRecord } from './batch.ts'
import type { ConfigDefinition, ConfigKeys, ConfigOf, RawConfig } from './config.ts'
import type { ConverterPlugin } from './converter.ts'
import type { ConfigProblem, ConnectError } from './errors.ts'
import type { OpenImageLabeller } from './images.ts'
import type { Logger } from './log.ts'
import type { Models } from './models.ts'
import type { Field, Schema } from './schema.ts'

/** A record of an example, in plain form; absent parts take a simple default (topic `t`, no headers, …). */
export type ExampleRecord = Partial<SinkRecord>

/** At once a test, documentation and what `docs/reference` shows. */
export interface Example {
  readonly summary: string
  readonly config: RawConfig
  readonly have: readonly ExampleRecord[]
  /** What comes out, in order; null where the record is dropped, `{ error }` (a code) where it fails. */
  readonly want: readonly (ExampleRecord | null | { readonly error: string })[]
}

interface Plugin<K extends ConfigKeys> {
  /** The simple class name users write, e.g. `TopicSink`. */
  readonly name: string
  readonly version: string
  /** One sentence. */
  readonly summary: string
  readonly config: ConfigDefinition<K>
}

// Transforms

/** A small table for people: a row per thing that is measured. */
export type Figures = readonly Readonly<Record<string, string | number | null>>[]

export interface TransformContext {
  /** From the class suffix: `$Key` or `$Value`. */
  readonly side: SideName
  readonly models: Models
  readonly log: Logger
  /** For transforms that look at images; the worker gives it always, a test of other transforms need not. */
  readonly openImageLabeller?: OpenImageLabeller
  /**
   * Shows how things are under a name; what is shown later under the same name takes its place. Cheap: the worker gets
   * the last of each second, and forgets all of it when the task ends. Absent where nobody looks, as in a check of a
   * configuration.
   */
  show?(name: string, figures: Figures): void
}

/** What a transform says to a schema before any record is there. */
export interface SchemaCheck {
  /** The schema of what comes out, null where it cannot be known. Absent: what went in, with the fields of `adds`. */
  readonly schema?: Schema | null
  /** What would fail every record. Paths are keys of the transform's own, e.g. `model`. */
  readonly problems: readonly ConfigProblem[]
  /** What fails no record and may be a mistake all the same; the worker logs it. */
  readonly warnings?: readonly string[]
}

export interface Transform {
  /**
   * Checks the schema of its side when a connector is configured; null where that is unknown. Nothing is known of what
   * comes out of a transform without this method.
   */
  checkSchema?(schema: Schema | null): SchemaCheck
  /**
   * A batch goes in, a batch of the same length and order comes out; `batch.fail` and `batch.drop` mark rows. Never
   * mutates what it was given. A throw means that the transform itself is broken and fails the task; what is wrong
   * with one record is said with `batch.fail`.
   */
  apply(batch: RecordBatch): RecordBatch | Promise<RecordBatch>
  /**
   * Given by a transform that changes the records of its side in no other way than by adding these fields. A field that
   * the schema has already, or an earlier transform adds, is refused when a connector is configured.
   */
  readonly adds?: readonly Field[]
  close?(): void
}

export interface TransformPlugin<K extends ConfigKeys = ConfigKeys> extends Plugin<K> {
  readonly kind: 'transform'
  /**
   * `side` (where absent): it works on the key or the value, and its class names end in `$Key` or `$Value`. `record`: it
   * works on the record as a whole, and its class name is its name; its context names the value as its side.
   */
  readonly level?: 'side' | 'record'
  /** Java class names that mean the same, without `$Key` and `$Value`. */
  readonly aliases?: readonly string[]
  readonly examples: readonly Example[]
  /** Returns a running transform. Heavy packages are imported here, never at the top of the file. */
  open(config: ConfigOf<K>, context: TransformContext): Promise<Transform> | Transform
}

// Predicates

export interface PredicateContext {
  readonly log: Logger
}

export interface Predicate {
  /**
   * Says of the live rows of a batch whether they match. What the returned function throws fails that row alone; it is
   * called before any other transform sees the batch, and never for a row that is not live.
   */
  matches(batch: RecordBatch): (row: number) => boolean
  close?(): void
}

/** Guards a transform, which then sees the records that match, or with `negate` those that do not. */
export interface PredicatePlugin<K extends ConfigKeys = ConfigKeys> extends Plugin<K> {
  readonly kind: 'predicate'
  /** Java class names that mean the same. */
  readonly aliases: readonly string[]
  open(config: ConfigOf<K>, context: PredicateContext): Promise<Predicate> | Predicate
}

// Sinks

/** Overrides the way of records to Kafka; what is absent stays as the record has it. */
export interface EmitOptions {
  /** The topic of a row; default `batch.topic(row)`. */
  readonly topic?: (row: number) => string
  /** The partition of a row; −1 lets the key decide. Default: the source partition. */
  readonly partition?: (row: number) => number
  /** Which converters write it; default `target`: those of `target.*.converter` where set, else the connector's own. */
  readonly converters?: 'own' | 'target'
}

export interface SinkContext {
  readonly connector: string
  readonly task: number
  readonly log: Logger
  readonly models: Models
  /** Aborted when the task must stop. */
  readonly signal: AbortSignal
  /** Whether the connector itself reads a topic of that name: what is written there would come round again. */
  reads(topic: string): boolean
  /** Hands all live rows to delivery, to be written to Kafka before their offsets are committed. */
  emit(batch: RecordBatch, options?: EmitOptions): void
  /** An errant record: follows `errors.tolerance`; a dead letter is durable before the offset is committed. */
  report(batch: RecordBatch, row: number, error: ConnectError): void
  /** Topics that records will be emitted to: created where missing, with the source topic's partition count. */
  ensureTopic(
    topic: string,
    like: { readonly sourceTopic: string; readonly keepPartitions: boolean },
  ): Promise<void>
  /**
   * Fetches nothing from these partitions until they are resumed or assigned anew. A batch of theirs that was fetched
   * already and not yet put is fetched again.
   * @throws TaskError where the task does not have one of them
   */
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void
  /**
   * Goes on with this offset of a partition, once the call it is made in is over, and commits it. For sinks that keep
   * offsets outside, together with what they store.
   * @throws TaskError where the task does not have the partition
   */
  offset(partition: TopicPartition, offset: bigint): void
  /** After how many milliseconds a batch that `put` is about to refuse comes again; once. */
  timeout(milliseconds: number): void
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export interface PartitionOffset extends TopicPartition {
  /** Everything before it is done. */
  readonly offset: bigint
}

/**
 * A running sink. Its calls never overlap and come in Kafka Connect's order: `open`, then `put` over and over with
 * `flush` and `preCommit` in between, `flush`, `preCommit` and `close` when partitions are taken away, `stop` at the end.
 */
export interface SinkTask {
  /** The task has these partitions from now on; called before the first of their batches. */
  open?(partitions: readonly TopicPartition[]): Promise<void> | void
  /**
   * Takes a batch. When it resolves, every live row was emitted, reported or stored outside. Where it throws a retriable
   * error (`UnavailableError`), the batch comes again after a pause: `context.timeout`, or else one that grows from
   * 300 ms to `errors.retry.delay.max.ms`, as often as it takes. What was emitted before it threw is forgotten; rows
   * that were reported have failed and do not come again. Any other error fails the task.
   */
  put(batch: RecordBatch): Promise<void> | void
  /**
   * Makes durable what `put` took, before offsets are committed. Where this or `preCommit` throws a retriable error, all
   * that is not committed comes again, from its fetch on.
   */
  flush?(): Promise<void> | void
  /**
   * What of these offsets may be committed: all of it, lower offsets or fewer partitions; what is not comes in the next
   * call again. Default: all. An offset that is higher, or of another partition, is ignored with a warning.
   */
  preCommit?(
    offsets: readonly PartitionOffset[],
  ): Promise<readonly PartitionOffset[]> | readonly PartitionOffset[]
  /** These partitions are somebody else's from now on; called for all that were opened, also after `put` has failed. */
  close?(partitions: readonly TopicPartition[]): Promise<void> | void
  /** The end: lets go of connections and files. Also called where nothing was ever assigned. */
  stop?(): Promise<void> | void
}

/** An offset of a sink's consumer group, as a person sets it; null removes it. */
export interface SinkOffset extends TopicPartition {
  /** The next offset to read. */
  readonly offset: bigint | null
}

export interface SinkConnector<K extends ConfigKeys = ConfigKeys> extends Plugin<K> {
  readonly kind: 'sink'
  /** Other class names that mean it, such as the Java class it stands for. */
  readonly aliases?: readonly string[]
  /**
   * Writes nowhere but to Kafka, through `context.emit`: a dry run (`sluice run`) may then run the sink itself, and shows
   * what it would have written. Of any other sink it shows the records that it would be given. Such a sink alone may
   * deliver exactly once (`exactly.once.support`), as long as it has no `preCommit`. Default: false.
   */
  readonly emitsOnly?: boolean
  /** Checks that need more than one key. `reads` is that of `SinkContext`. */
  validate?(config: ConfigOf<K>, raw: RawConfig, reads: (topic: string) => boolean): readonly ConfigProblem[]
  /**
   * What is wrong with an offset that a person is about to set, undefined where nothing. Must be quick and pure. A sink that
   * keeps offsets outside leaves it out: whoever sets some is told that those outside stay as they are.
   */
  checkOffset?(offset: SinkOffset): string | undefined
  open(config: ConfigOf<K>, context: SinkContext): Promise<SinkTask> | SinkTask
}

// Sources

/** A flat JSON object: it names a part of what a source reads, or a position in it. */
export type SourceMap = Readonly<Record<string, null | boolean | number | bigint | string>>

/** Where a source's own transactions end; see `SourceContext.transactions`. Asked for while `poll` runs. */
export interface TransactionContext {
  /** The transaction ends with this record of the poll, without one with all that the poll brings, and is committed. */
  commit(record?: SourceRecord): void
  /** The same, but nothing of the transaction is written. Its offsets are committed: it is not read again. */
  abort(record?: SourceRecord): void
}

export interface SourceContext {
  readonly connector: string
  readonly task: number
  readonly log: Logger
  /** Aborted when the task must stop: a poll that waits for data then returns. */
  readonly signal: AbortSignal
  /** The committed offset of a source partition; null where there is none. */
  offset(partition: SourceMap): Promise<SourceMap | null>
  /** The same of several, in the order asked. */
  offsets(partitions: readonly SourceMap[]): Promise<readonly (SourceMap | null)[]>
  /** Undefined unless the source says where transactions end (`transaction.boundary=connector`). */
  readonly transactions?: TransactionContext
}

export interface SourceRecord extends Omit<SinkRecord, 'partition'> {
  /** The partition of the topic; null lets the key decide. */
  readonly partition: number | null
  /** Where the record was read. */
  readonly sourcePartition: SourceMap
  /** Where to go on behind the record; committed when it and all before it in its source partition are durable. */
  readonly sourceOffset: SourceMap
}

export interface SourceTask {
  /**
   * The next records; an empty array where there are none for now. It may wait for data as long as `context.signal` is
   * not aborted, but may not keep the process busy meanwhile. A retriable error is followed by another call after a
   * pause; any other fails the task.
   */
  poll(): Promise<readonly SourceRecord[]>
  /** Called at each flush interval, after offsets were committed where there were any. What it throws is logged. */
  commit?(): Promise<void> | void
  /**
   * Called for each record that is done with, in no set order; `delivered` is false where none was written of it. What it
   * throws is logged.
   */
  commitRecord?(record: SourceRecord, delivered: boolean): Promise<void> | void
  /** The end: lets go of connections and files. No poll is waited for any more. */
  stop?(): Promise<void> | void
}

export interface MonitorContext {
  readonly connector: string
  readonly log: Logger
  /** Aborted when the connector is paused, stopped, changed or run elsewhere: the monitor then returns. */
  readonly signal: AbortSignal
  /** Has `taskConfigs` called again; where its answer is another one, the tasks start anew with it. */
  requestTaskReconfiguration(): void
  /** The connector is FAILED with this, as where the monitor throws it; its tasks go on. */
  raiseError(error: Error): void
}

/** A source partition and its offset, as a person sets it; null removes it. */
export interface SourceOffset {
  readonly partition: SourceMap
  readonly offset: SourceMap | null
}

export interface SourceConnector<K extends ConfigKeys = ConfigKeys> extends Plugin<K> {
  readonly kind: 'source'
  /** Other class names that mean it, such as the Java class it stands for. */
  readonly aliases?: readonly string[]
  validate?(config: ConfigOf<K>, raw: RawConfig): readonly ConfigProblem[]
  /**
   * One config per task, at most `maxTasks`: what each adds to the connector's own, or has instead. Runs in a task host,
   * under the deadline of tasks.
   */
  taskConfigs(
    config: ConfigOf<K>,
    raw: RawConfig,
    maxTasks: number,
  ): Promise<readonly Record<string, string>[]> | readonly Record<string, string>[]
  /**
   * Watches what the source reads for as long as the connector runs, beside its tasks, in a task host: new tables, say. It
   * may wait as long as it likes, but may not keep the process busy. It need not be there, and may return early.
   */
  monitor?(config: ConfigOf<K>, context: MonitorContext): Promise<void>
  /**
   * Whether it delivers exactly once with this configuration, where its records and offsets are written in transactions: it
   * reads the same records again from an offset. Absent: not known, and `exactly.once.support=required` is refused.
   */
  exactlyOnce?(config: ConfigOf<K>): boolean
  /** Whether it can say where transactions end, with this configuration. Absent: no. */
  definesTransactions?(config: ConfigOf<K>): boolean
  /** What is wrong with an offset that a person is about to set, undefined where nothing. Must be quick and pure. */
  checkOffset?(offset: SourceOffset): string | undefined
  open(config: ConfigOf<K>, context: SourceContext): Promise<SourceTask> | SourceTask
}

// Config providers

/** Gives values that configurations refer to: `${name:path:key}`. */
export interface ConfigProvider {
  /**
   * The values of some keys at a path, which is empty for `${name:key}`; a key that has none is absent. Throws with a reason that
   * shows no value: it goes into statuses and logs.
   */
  get(path: string, keys: ReadonlySet<string>): Promise<ReadonlyMap<string, string>>
  /** Lets go of connections: nothing is asked any more. */
  close?(): void
}

export interface ConfigProviderPlugin<K extends ConfigKeys = ConfigKeys> extends Plugin<K> {
  readonly kind: 'config-provider'
  /** Other class names under which it is known, e.g. those of Java. */
  readonly aliases: readonly string[]
  /**
   * Opens it, in the worker and in each of its task hosts. It may not wait for anything, nor keep the process busy; where it
   * throws, those who refer to the provider are told why.
   */
  open(config: ConfigOf<K>): ConfigProvider
}

/** Any plugin with a configuration, with the type of its configuration forgotten: what registries hold. */
export type AnyPlugin =
  SinkConnector | SourceConnector | TransformPlugin | PredicatePlugin | ConverterPlugin | ConfigProviderPlugin
