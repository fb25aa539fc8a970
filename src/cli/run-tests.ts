import { readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { CommandError, ConnectError, messageOf } from '../api/errors.ts'
import { Fraction, rawNumber } from '../converters/exact-json.ts'
import { commandLog } from './command-client.ts'
import { readConnectorFile } from './connector-file.ts'
import { openWorkbench, type Workbench } from './pipeline.ts'
import { STANDARD_STREAMS, type Streams } from './round-printer.ts'
import { step } from './steps.ts'
import { type Actual, failuresOf, runCase } from './test-case.ts'
import { findTestFiles, readTestFile, type TestCase, type TestFile } from './test-file.ts'

export interface TestOptions {
  readonly filter?: string
  readonly update: boolean
  readonly json: boolean
  readonly worker?: string
  readonly models?: string
}

interface Tested {
  readonly test: TestCase
  readonly problems: readonly string[]
  readonly actual: Actual
}

/** Runs the tests in files and folders; sets the exit code. @throws CommandError where a file is no good */
export async function runTests(places: readonly string[], options: TestOptions): Promise<void> {
  process.exitCode = (await testConfigs(places, options, STANDARD_STREAMS)) ? 0 : 1
}

/** The same without an exit code: whether all passed. */
export async function testConfigs(
  places: readonly string[],
  options: TestOptions,
  streams: Streams,
): Promise<boolean> {
  const started = performance.now()
  const files = findTestFiles(places.length === 0 ? ['.'] : places).map(readTestFile)
  const bench = await openWorkbench({
    ...{ worker: options.worker, modelsDir: options.models },
    log: commandLog(),
  })
  const counts = { passed: 0, failed: 0, updated: 0 }
  for (const file of files) {
    const tested = await runFile(bench, file, options, streams)
    const wrong = tested.filter(({ problems }) => problems.length > 0)
    const changed = options.update ? wrong.filter(isResult) : []
    if (changed.length > 0) await update(file, changed)
    counts.passed += tested.length - wrong.length
    counts.updated += changed.length
    counts.failed += wrong.length - changed.length
  }
  if (counts.passed + counts.failed + counts.updated === 0)
    throw new CommandError('command.input', `no case has "${options.filter ?? ''}" in its name`)
  const updated = options.update ? `, ${counts.updated} updated` : ''
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  streams.tell(`${counts.passed} passed, ${counts.failed} failed${updated}, ${seconds} s\n`)
  return counts.failed === 0
}

async function runFile(
  bench: Workbench,
  { file, connector, cases }: TestFile,
  { filter = '', json }: TestOptions,
  { out }: Streams,
): Promise<Tested[]> {
  const chosen = cases.filter(({ name }) => `${file}: ${name}`.includes(filter))
  if (chosen.length === 0) return []
  const config = await readConnectorFile(connector)
  const tested: Tested[] = []
  if (!json) await out(`${file}\n`)
  for (const test of chosen) {
    const began = performance.now()
    const actual = await step(`${file}, case "${test.name}"`, () => runCase(bench, config, test)).catch(
      (error: unknown) => unusable(error),
    )
    const problems = failuresOf(test, actual)
    tested.push({ test, actual, problems })
    const milliseconds = Math.round(performance.now() - began)
    const shown = { file, name: test.name, passed: problems.length === 0, problems, milliseconds }
    await out(json ? `${JSON.stringify(shown)}\n` : textOf(test.name, problems))
  }
  return tested
}

/** A connector that cannot be opened is a result only where a case says so. */
function isResult({ test, actual }: Tested): boolean {
  return (test.error === undefined) === (actual.error === null)
}

/** What is wrong with a case itself is a failure of the case, and stops no other. */
function unusable(error: unknown): Actual {
  if (!(error instanceof ConnectError)) throw error
  return { output: [], failed: [], dropped: 0, error: messageOf(error) }
}

function textOf(name: string, problems: readonly string[]): string {
  if (problems.length === 0) return `  ok    ${name}\n`
  const lines = problems.map((problem) => `          ${problem.replaceAll('\n', '\n          ')}\n`)
  return `  FAIL  ${name}\n${lines.join('')}`
}

/** Writes what came over what was expected; all else in the file stays, with its numbers as they were written. */
async function update({ file, json }: TestFile, wrong: readonly Tested[]): Promise<void> {
  const byName = new Map(wrong.map((each) => [each.test.name, each]))
  const cases = (json['cases'] as readonly Readonly<Record<string, unknown>>[]).map((each) => {
    const tested = byName.get(each['name'] as string)
    return tested === undefined ? each : { ...withoutExpectation(each), ...expectation(tested) }
  })
  const draft = `${file}.new`
  const isIndented = (await readFile(file, 'utf8')).includes('\n  ')
  await writeFile(draft, `${JSON.stringify({ ...json, cases }, asWritten, isIndented ? 2 : undefined)}\n`)
  await rename(draft, path.resolve(file))
}

const EXPECTED = ['output', 'failed', 'dropped', 'error']

function withoutExpectation(json: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(json).filter(([key]) => !EXPECTED.includes(key)))
}

function expectation({ test, actual: { output, failed, dropped, error } }: Tested): object {
  if (error !== null) return { error }
  return {
    output,
    ...(failed.length > 0 ? { failed } : {}),
    ...(test.dropped !== undefined || dropped > 0 ? { dropped } : {}),
  }
}

function asWritten(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return rawNumber(String(value))
  return value instanceof Fraction ? rawNumber(value.text) : value
}
