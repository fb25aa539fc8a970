/**
 * Compares a worker with the real Kafka Connect: its REST API request by request, and unchanged clients.
 *
 * Usage: `npm run test:conformance [-- --live | --record]`. Without an option the answers of the real worker are those that
 * were recorded; `--live` starts one beside ours (Java and Maven); `--record` writes its answers anew, and runs no test.
 */
import { spawn } from 'node:child_process'
import { parseArgs } from 'node:util'
import type { Deviation } from '../test/conformance/rest-expected.ts'
import { readGolden } from '../test/conformance/rest-golden.ts'
import { readJson } from '../test/conformance/rest-replay.ts'
import { CONFORMANCE_TESTS } from './conformance-tests.ts'
import { closeWith, mocha, type Outcome, ROOT, stopOnSignals, withKafka } from './test-runs.ts'
import { type ScriptName, SCRIPTS } from '../test/conformance/rest-scripts.ts'

async function node(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<number> {
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  return new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)))
}

async function record(): Promise<number> {
  const recorded = await node(['--conditions=source', 'test/conformance/rest-record.ts'])
  const written = [...(Object.keys(SCRIPTS) as ScriptName[]).map(goldenOf), 'rest-topics'].map(
    (name) => `test/conformance/golden/${name}.json`,
  )
  return recorded === 0 ? node(['node_modules/prettier/bin/prettier.cjs', '--write', ...written]) : recorded
}

function goldenOf(script: ScriptName): string {
  return script === 'base' ? 'rest-answers' : `rest-${script}`
}

/** Each file in a mocha of its own, with one Kafka for all. */
async function compare(live: boolean): Promise<void> {
  stopOnSignals()
  const requests = (Object.keys(SCRIPTS) as ScriptName[]).flatMap((script) => readGolden(script)).length
  const deviations = readJson('rest-deviations.json') as readonly Deviation[]
  const otherwise = deviations.flatMap(({ steps }) => steps).length
  process.stdout.write(
    `${requests} requests are compared with Kafka Connect 4.3.1: ${otherwise} deviate as documented, ${requests - otherwise} are to be equal.\n`,
  )
  const outcomes: Outcome[] = []
  await withKafka(async (env) => {
    const variables = { ...env, SLUICE_CONFORMANCE: live ? 'live' : 'recorded' }
    for (const file of CONFORMANCE_TESTS) outcomes.push(await mocha(file, [file], variables))
  })
  closeWith(outcomes)
}

const { values } = parseArgs({ options: { live: { type: 'boolean' }, record: { type: 'boolean' } } })
if (values.record === true) process.exitCode = await record()
else await compare(values.live === true)
