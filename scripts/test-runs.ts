/** Child processes of the test runs: a mocha over some files, a check. Each ends as a line that says how it went. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { constants, setPriority, tmpdir } from 'node:os'
import path from 'node:path'
import { SILENT } from '../src/api/log.ts'
import { startBroker } from '../src/dev/broker.ts'
import { freePort } from '../src/dev/ports.ts'

export const ROOT = path.resolve(import.meta.dirname, '..')
const MOCHA = path.join(ROOT, 'node_modules/mocha/bin/mocha.js')
/** Compiled code, for the hundreds of processes that tests start. Node looks into each file's text before it takes it. */
const NODE_COMPILE_CACHE = path.join(ROOT, 'node_modules/.cache/sluice-tests')

export interface Outcome {
  readonly passed: number
  readonly failed: number
}

type Variables = Readonly<Record<string, string>>

const started = new Set<ReturnType<typeof spawn>>()

async function run(command: string, args: readonly string[], env: Variables, priority?: number) {
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { ...process.env, NODE_COMPILE_CACHE, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  started.add(child)
  if (priority !== undefined && child.pid !== undefined) setPriority(child.pid, priority)
  let output = ''
  const take = (chunk: Buffer): void => void (output += chunk.toString())
  child.stdout.on('data', take)
  child.stderr.on('data', take)
  child.once('error', (error) => (output += `${error.message}\n`))
  const began = performance.now()
  const code = await new Promise<number>((resolve) => child.once('close', (status) => resolve(status ?? 1)))
  started.delete(child)
  return { code, output, seconds: Math.round((performance.now() - began) / 1000) }
}

/**
 * One mocha over these files. Its output is shown at the end, and only where a test failed. In CI it then runs once more:
 * a test that loses a race on a busy machine is shown with all it said, and does not keep a change from landing.
 */
export async function mocha(name: string, files: readonly string[], env: Variables = {}): Promise<Outcome> {
  const first = await runMocha(name, files, env)
  if (first.failed === 0 || process.env['CI'] === undefined) return first
  process.stdout.write(`  ↻ running again: ${name}\n`)
  return runMocha(name, files, env)
}

async function runMocha(name: string, files: readonly string[], env: Variables): Promise<Outcome> {
  const { code, output, seconds } = await run(process.execPath, [MOCHA, ...files], env)
  const outcome = outcomeOf(output, code)
  const skipped = /^(\d+) skipped$/m.exec(output)?.[1]
  const mark = outcome.failed > 0 ? `✖ ${outcome.failed} failed` : `✔ ${outcome.passed}`
  const more = skipped === undefined ? '' : `, ${skipped} skipped`
  process.stdout.write(`${outcome.failed > 0 ? output : ''}  ${mark}${more}  ${name} (${seconds} s)\n`)
  return outcome
}

/** What several runs come to, as the closing line that CI reads; the exit code says the same. */
export function closeWith(outcomes: readonly Outcome[]): void {
  const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0)
  const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0)
  process.stdout.write(`${passed} passed, ${failed} failed\n`)
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0
}

/** Ends what runs where this process is told to end. */
export function stopOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      for (const child of started) child.kill(signal)
      process.exit(130)
    })
}

/** What the last line of test/support/reporter.ts says; a mocha that ended badly without it counts as a failure. */
function outcomeOf(output: string, code: number): Outcome {
  const last = /(\d+) passed, (\d+) failed\s*$/.exec(output)
  const [passed, failed] = [Number(last?.[1] ?? 0), Number(last?.[2] ?? 0)]
  return { passed, failed: failed === 0 && code !== 0 ? 1 : failed }
}

/** A script of package.json that checks something: passed or failed as a whole. It makes way for tests that run beside it. */
export async function check(script: string): Promise<Outcome> {
  const { PRIORITY_LOW } = constants.priority
  const { code, output, seconds } = await run('npm', ['run', '--silent', script], {}, PRIORITY_LOW)
  const isPassed = code === 0
  process.stdout.write(`${isPassed ? '' : output}  ${isPassed ? '✔' : '✖'}  ${script} (${seconds} s)\n`)
  return { passed: isPassed ? 1 : 0, failed: isPassed ? 0 : 1 }
}

/** Calls `work` with the variables that make a test use a Kafka of its own, which runs meanwhile. */
export async function withKafka(work: (env: Variables) => Promise<void>): Promise<void> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-test-kafka-'))
  const broker = await startBroker({ port: await freePort(), dataDir, log: SILENT })
  process.once('exit', () => broker.kill())
  await work({ SLUICE_TEST_KAFKA: broker.bootstrapServers })
  broker.kill()
  await broker.exited
  await rm(dataDir, { recursive: true, force: true })
}
