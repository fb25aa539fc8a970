import type { RawConfig } from '../api/config.ts'
import { CommandError, ConnectError, messageOf } from '../api/errors.ts'
import { parseWithFractions, stringifyExact } from '../converters/exact-json.ts'
import type { Round } from '../runtime/dry-run/dry-run.ts'
import type { InputRecord } from '../runtime/dry-run/input-batches.ts'
import { SinkDryRun } from '../runtime/dry-run/sink-dry-run.ts'
import { InputRecords, sourceRecord } from './input-records.ts'
import { differences } from './json-differences.ts'
import { openPipeline, type Pipeline, shapeOf, type Workbench } from './pipeline.ts'
import { partsOf, RecordPrinter, TOPIC_PARTS } from './record-printer.ts'
import { OutputLines } from './round-printer.ts'
import { readSchemaFile } from './schema-file.ts'
import type { TestCase } from './test-file.ts'

/** What came of a case. */
export interface Actual {
  /** Parsed JSON. */
  readonly output: readonly unknown[]
  readonly failed: readonly string[]
  readonly dropped: number
  /** Why the connector could not be opened; null where it could. */
  readonly error: string | null
}

/** Records that do not say have this time, so that what is made of it is always the same. */
const TIME = 0n
const NEVER = new AbortController().signal

/**
 * Runs the records of a case through a connector.
 * @throws CommandError where the case itself is no good
 */
export async function runCase(bench: Workbench, connector: RawConfig, test: TestCase): Promise<Actual> {
  const nothing = { output: [], failed: [], dropped: 0 }
  const schemas = {
    key: test.keySchema === undefined ? null : await readSchemaFile(test.keySchema),
    value: test.schema === undefined ? null : await readSchemaFile(test.schema),
  }
  let pipeline: Pipeline
  try {
    pipeline = await openPipeline(bench, { ...connector, ...test.config }, { schemas, topic: test.topic })
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error
    return { ...nothing, error: messageOf(error) }
  }
  try {
    return await actualOf(pipeline, await given(pipeline, test), test)
  } finally {
    await pipeline.close()
  }
}

async function given(pipeline: Pipeline, test: TestCase): Promise<Round> {
  const schemaOption = { key: '"keySchema"', value: '"schema"' }
  const reader = new InputRecords({ ...shapeOf(pipeline), now: () => TIME, schemaOption })
  const records = test.input.map((json, i): InputRecord => {
    const { length } = stringifyExact(json)
    try {
      return test.with === undefined ? reader.value(json, length) : reader.record(json, length)
    } catch (error) {
      throw wrongInput(i, error)
    }
  })
  const { dry } = pipeline
  if (!(dry instanceof SinkDryRun)) {
    const polled = records.map((record, i) => sourceRecord(record, { file: 'input' }, { line: i + 1 }))
    return dry.run(polled, NEVER)
  }
  const round = await dry.run(records, NEVER)
  if (round.unusable !== undefined) throw wrongInput(round.unusable.record, round.unusable.error)
  return round
}

function wrongInput(index: number, error: unknown): unknown {
  if (!(error instanceof ConnectError) || error instanceof CommandError) return error
  return new CommandError('command.input', `input[${index}]: ${error.message}`, { cause: error })
}

async function actualOf(pipeline: Pipeline, round: Round, test: TestCase): Promise<Actual> {
  const parts = partsOf(test.with, TOPIC_PARTS)
  const printer = new RecordPrinter({ format: 'auto', parts, registry: pipeline.registry })
  const lines = new OutputLines(printer)
  const output: unknown[] = []
  const failed: string[] = []
  for (const { outputs, failure } of round.outcomes) {
    if (failure !== undefined) failed.push(failure.error.code)
    for (const each of outputs) output.push(parseWithFractions(await lines.line(each)))
  }
  const dropped = round.outcomes.filter((each) => each.outputs.length === 0 && each.failure === undefined)
  if (round.stop !== undefined && failed.length === 0) failed.push(codeOf(round.stop))
  return { output, failed, dropped: dropped.length, error: null }
}

/** Of the record that stopped a source. */
function codeOf(stop: unknown): string {
  const cause = stop instanceof Error ? stop.cause : undefined
  const error = cause instanceof ConnectError ? cause : stop
  return error instanceof ConnectError ? error.code : messageOf(error)
}

/** What differs from what a case expects; empty where it passes. */
export function failuresOf(test: TestCase, actual: Actual): string[] {
  const { error } = actual
  if (test.error !== undefined) {
    if (error?.includes(test.error) === true) return []
    return [
      `error: expected one with ${JSON.stringify(test.error)}, ${error === null ? 'none came' : `came: ${error}`}`,
    ]
  }
  if (error !== null) return [`error: ${error}`]
  const { output, failed, dropped } = actual
  return [
    ...differences(test.output, output, test.tolerance, 'output'),
    ...differences(test.failed, failed, 0, 'failed'),
    ...(test.dropped === undefined ? [] : differences(test.dropped, dropped, 0, 'dropped')),
  ]
}
