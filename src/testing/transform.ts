import { AssertionError, deepStrictEqual } from 'node:assert/strict'
import type { RecordBatch, SideName, SinkRecord } from '../api/batch.ts'
import { type ConnectError, messageOf, ModelError } from '../api/errors.ts'
import { type Logger, SILENT } from '../api/log.ts'
import type { Models } from '../api/models.ts'
import type { Example, ExampleRecord, TransformContext, TransformPlugin } from '../api/plugins.ts'
import { isStruct, struct, type Value } from '../api/schema.ts'
import { toJson } from '../api/to-json.ts'
import { problemOf } from './check-record.ts'
import { batchOf, complete } from './records.ts'

/** What a transform is given in a test; what is absent takes a simple default. */
export interface TransformSurroundings {
  /** Default: `value`. */
  readonly side?: SideName
  /** Default: there are none. */
  readonly models?: Models
  readonly log?: Logger
  readonly openImageLabeller?: NonNullable<TransformContext['openImageLabeller']>
}

/** What became of a record: as it comes out, null where it was dropped, the error with which it failed. */
export type Outcome = SinkRecord | null | ConnectError

export interface ExampleSurroundings extends TransformSurroundings {
  /** By which share of itself a number may differ from the wanted one, e.g. 1e-6 for a model's. Default: 0. */
  readonly tolerance?: number
}

export const NO_MODELS: Models = {
  load: (name) =>
    Promise.reject(
      new ModelError('model.missing', `The test has no model ${name}: give it \`models\` that have it.`),
    ),
}

/**
 * Opens a transform with a configuration, as a connector does, lets it work on these records as one batch, and closes
 * it. The outcomes are in the order of the records.
 * @throws ConfigError where the configuration is wrong; what `open` or `apply` throws: it would fail the task
 */
export async function applyTransform(
  plugin: TransformPlugin,
  config: Readonly<Record<string, string>>,
  records: readonly ExampleRecord[],
  surroundings: TransformSurroundings = {},
): Promise<Outcome[]> {
  for (const record of records) require(complete(record), 'A record that the test gives')
  const { side = 'value', models = NO_MODELS, log = SILENT, openImageLabeller } = surroundings
  const context = { side, models, log, ...(openImageLabeller === undefined ? {} : { openImageLabeller }) }
  const transform = await plugin.open(plugin.config.read(config), context)
  const batch = batchOf(records)
  const before = textOf(batch)
  const result = await transform.apply(batch)
  if (result.length !== records.length)
    throw new Error(
      `${plugin.name} made a batch of ${result.length} records of one of ${records.length}. Drop records with batch.drop.`,
    )
  const outcomes = records.map((_, row): Outcome => {
    const record = result.isLive(row) ? result.record(row) : null // reading it may fail it
    return result.failure(row) ?? record
  })
  if (textOf(batch) !== before)
    throw new Error(`${plugin.name} changed the records it was given. Make new ones: { ...record, value }.`)
  transform.close?.()
  transform.close?.() // as where the opening of a task fails and it is stopped
  return outcomes
}

/** All that a batch holds, to be compared with what it holds later. */
function textOf(batch: RecordBatch): string {
  return Array.from({ length: batch.length }, (_, row) => toJson(batch.record(row))).join('\n')
}

/**
 * Runs the examples of a transform.
 * @throws Error for the first that is not as wanted: an AssertionError that says what came out, or with the `cause`
 * that kept the transform from working. Its message begins with the name of the example.
 */
export async function runExamples(
  plugin: TransformPlugin,
  surroundings: ExampleSurroundings = {},
): Promise<void> {
  if (plugin.examples.length === 0) throw new Error(`${plugin.name} has no examples.`)
  for (const example of plugin.examples) await runExample(plugin, example, surroundings)
}

/** Runs one of the examples. Parts of a record that it does not name may come out as they like, but for the value. */
export async function runExample(
  plugin: TransformPlugin,
  example: Example,
  surroundings: ExampleSurroundings = {},
): Promise<void> {
  const where = `${plugin.name}, example "${example.summary}"`
  const { have, want } = example
  if (have.length !== want.length)
    throw new Error(
      `${where} has ${have.length} records and wants ${want.length}: give null for a dropped one.`,
    )
  const outcomes = await applyTransform(plugin, example.config, have, surroundings).catch(
    (error: unknown) => {
      throw new Error(`${where}: ${messageOf(error)}`, { cause: error })
    },
  )
  for (const [row, wanted] of want.entries()) {
    const outcome = outcomes[row] ?? null
    const found = parts(outcome, wanted, surroundings.tolerance ?? 0)
    compare(
      found,
      wanted === null || 'error' in wanted ? wanted : { value: null, ...wanted },
      `${where}, record ${row}`,
    )
    if (isRecord(outcome)) require(outcome, `${where}, record ${row}`)
  }
}

type Wanted = Example['want'][number]

/** What is compared of an outcome: the parts that the example names. */
function parts(outcome: Outcome, wanted: Wanted, tolerance: number): unknown {
  if (outcome === null) return null
  if (!isRecord(outcome)) {
    const { code: error, message } = outcome
    return wanted !== null && 'error' in wanted && wanted.error === error ? wanted : { error, message }
  }
  if (wanted === null || 'error' in wanted) return outcome
  const named = Object.entries({ value: null, ...wanted }).map(([part, item]) => {
    const found = outcome[part as keyof SinkRecord]
    const isData = part === 'value' || part === 'key'
    return [part, isData && tolerance > 0 ? settled(found as Value, item as Value, tolerance) : found]
  })
  return Object.fromEntries(named)
}

/** A record has schemas; an error has none. */
function isRecord(outcome: Outcome): outcome is SinkRecord {
  return outcome !== null && 'valueSchema' in outcome
}

/** Numbers that are nearly the wanted ones become these. */
function settled(found: Value, wanted: Value, tolerance: number): Value {
  if (typeof found === 'number' && typeof wanted === 'number')
    return Math.abs(found - wanted) <= tolerance * Math.max(1, Math.abs(wanted)) ? wanted : found
  if (Array.isArray(found) && Array.isArray(wanted))
    return found.map((each: Value, i) => settled(each, (wanted as readonly Value[])[i] ?? null, tolerance))
  if (!isStruct(found) || !isStruct(wanted)) return found
  const fields = Object.entries(found).map(([name, value]) => [
    name,
    settled(value, wanted[name] ?? null, tolerance),
  ])
  return struct(Object.fromEntries(fields) as Record<string, Value>)
}

function compare(found: unknown, wanted: unknown, where: string): void {
  try {
    deepStrictEqual(found, wanted)
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error
    // A new error: runners show the stack, in which a message that is changed later does not stand.
    throw new AssertionError({ message: `${where}: ${error.message}`, actual: found, expected: wanted })
  }
}

function require(record: SinkRecord, where: string): void {
  const problem = problemOf(record)
  if (problem !== undefined) throw new Error(`${where}: ${problem}.`)
}
