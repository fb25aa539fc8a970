/**
 * Runs the tests: first those that need no server, in one mocha; then those with servers, two files at a time, each
 * in a mocha of its own, in two lanes with a Kafka each (two registries or workers of one name must not share one). They
 * mostly wait (for a rebalance, a JVM, a killed process), so that two at a time take little more than half the time of one
 * after the other. Those that kill processes for minutes are a suite of their own.
 *
 * Usage: `node scripts/test.ts [unit | server | chaos]`; the first two without an argument. Ends with `12 passed, 0 failed`.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { glob } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { SILENT } from '../src/api/log.ts'
import { startBroker } from '../src/dev/broker.ts'
import { freePort } from '../src/dev/ports.ts'

const ROOT = path.resolve(import.meta.dirname, '..')
const MOCHA = path.join(ROOT, 'node_modules/mocha/bin/mocha.js')
/** The folders of each suite with servers; what is in none of them needs none. */
const SERVER_FOLDERS = { server: ['conformance', 'integration'], chaos: ['chaos'] } as const
const SUITES = ['unit', 'server', 'chaos'] as const
const AT_A_TIME = 2

interface Outcome {
  readonly passed: number
  readonly failed: number
}

const started = new Set<ReturnType<typeof spawn>>()

/** One mocha over these files. Its output is shown as it comes where `live`, else when it ends. */
async function mocha(files: readonly string[], live: boolean, env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [MOCHA, ...files], {
    ...{ cwd: ROOT, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
  })
  started.add(child)
  let output = ''
  const take = (chunk: Buffer): void => {
    output += chunk.toString()
    if (live) process.stdout.write(chunk)
  }
  child.stdout.on('data', take)
  child.stderr.on('data', take)
  const code = await new Promise<number>((resolve) => child.once('close', (status) => resolve(status ?? 1)))
  started.delete(child)
  return { ...outcomeOf(output, code), output }
}

/** What the last line of test/support/reporter.ts says; a mocha that ended badly without it counts as a failure. */
function outcomeOf(output: string, code: number): Outcome {
  const last = /(\d+) passed, (\d+) failed\s*$/.exec(output)
  const [passed, failed] = [Number(last?.[1] ?? 0), Number(last?.[2] ?? 0)]
  return { passed, failed: failed === 0 && code !== 0 ? 1 : failed }
}

async function unitTests(): Promise<Outcome[]> {
  const folders = Object.values(SERVER_FOLDERS).flat()
  const ignored = folders.flatMap((folder) => ['--ignore', `test/${folder}/**`])
  return [await mocha(['test/**/*.test.ts', ...ignored], true)]
}

async function serverTests(folders: readonly string[]): Promise<Outcome[]> {
  const files: string[] = []
  for await (const file of glob(
    folders.map((folder) => `test/${folder}/**/*.test.ts`),
    { cwd: ROOT },
  ))
    files.push(file)
  const queue = files.sort()
  const outcomes: Outcome[] = []
  const lane = async (): Promise<void> => {
    const dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-test-kafka-'))
    const broker = await startBroker({ port: await freePort(), dataDir, log: SILENT })
    process.once('exit', () => broker.kill())
    const env = { SLUICE_TEST_KAFKA: broker.bootstrapServers }
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const began = performance.now()
      const outcome = await mocha([file], false, env)
      const seconds = Math.round((performance.now() - began) / 1000)
      outcomes.push(outcome)
      const mark = outcome.failed > 0 ? `✖ ${outcome.failed} failed` : `✔ ${outcome.passed}`
      process.stdout.write(`${outcome.failed > 0 ? outcome.output : ''}  ${mark}  ${file} (${seconds} s)\n`)
    }
    broker.kill()
    await broker.exited
    await rm(dataDir, { recursive: true, force: true })
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, lane))
  return outcomes
}

const { positionals } = parseArgs({ allowPositionals: true })
const [only] = positionals
const suites = SUITES.filter((suite) => (only === undefined ? suite !== 'chaos' : suite === only))
if (suites.length === 0) {
  process.stderr.write(
    `There are no "${only ?? ''}" tests. Usage: node scripts/test.ts [${SUITES.join(' | ')}]\n`,
  )
  process.exit(2)
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const child of started) child.kill(signal)
    process.exit(130)
  })
}
const outcomes: Outcome[] = []
for (const suite of suites)
  outcomes.push(...(suite === 'unit' ? await unitTests() : await serverTests(SERVER_FOLDERS[suite])))
const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0)
const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0)
process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0
