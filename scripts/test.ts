/**
 * Runs the tests. First those that need no server, in three mochas; then those with servers, each file in a mocha of its
 * own, in two lanes with a Kafka each (two registries or workers of one name must not share one), and beside them the
 * checks (lint, types, documents) at a lower priority: tests with servers mostly wait.
 *
 * Usage: `node scripts/test.ts [checks | unit | server | long | chaos]`; the first three without an argument.
 * Ends with `12 passed, 0 failed`.
 */
import { glob, readFile } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { CONFORMANCE_TESTS } from './conformance-tests.ts'
import { check, closeWith, mocha, type Outcome, ROOT, stopOnSignals, withKafka } from './test-runs.ts'

/** The folders of each suite with servers, one path per feature in `server`; what is in none of them needs none. */
const SERVER_FOLDERS = { server: ['conformance', 'integration'], long: ['long'], chaos: ['chaos'] } as const
const SUITES = ['checks', 'unit', 'server', 'long', 'chaos'] as const
const CHECKS = ['format:check', 'types', 'docs:check', 'lint:code'] as const
/** What takes longest begins, so that no lane is left with it at the end. */
const FIRST = [
  'packaging',
  'quickstart',
  'worker',
  'dev',
  'transform-examples',
  'hostile-plugins',
  'source-to-sink',
  'secured-kafka',
  'secured-rest',
]
const AT_A_TIME = 2
const UNIT_PARTS = 3
/** Seconds of the unit tests that take longest, so that the parts take about as long; the others take a third of one. */
const UNIT_SECONDS: Readonly<Record<string, number>> = {
  'cli/models-deadline': 11,
  'runtime/source/topic-groups': 11,
  'inference/store/model-inspection': 8,
  'kafka/security/stores': 7,
  'simulation/simulation': 6,
  'kafka/fetch': 5,
  'access/password-hash': 4,
  'cli/main': 4,
  'cli/models-guide': 4,
  'cli/run': 4,
  'cli/test-configs': 4,
  'contract/plugins': 4,
  'create-sluice-plugin/create': 4,
  'inference/images/efficientnet-lite0': 4,
  'inference/packaged-formats': 4,
  'runtime/source/running-source-task': 4,
  'cli/models': 3,
  'cli/models-networks': 3,
  'cli/run-refusals': 3,
  'converters/linear-work': 3,
  'inference/images/image-decoder': 3,
  'rest/access': 3,
  'rest/forwarding': 3,
  'rest/models': 3,
  'runtime/chain/check-config': 3,
  'runtime/chain/check-config-texts': 3,
  'worker/herder': 3,
  'worker/task-run': 3,
  'api/expression/hostile': 2,
  'cli/models-init': 2,
  'cli/testing-page': 2,
  'contract/import-rules': 2,
  'inference/images/cut-image': 2,
  'inference/pojo': 2,
  'kafka/compression': 2,
  'kafka/consumer-assignors': 2,
  'kafka/produce': 2,
  'registry/access': 2,
  'registry/server': 2,
  'rest/internal': 2,
  'rest/lag': 2,
  'rest/loggers': 2,
  'rest/sink-offsets': 2,
  'runtime/sink/matching-topics': 2,
  'worker/host-memory': 2,
  'worker/settings-of-others': 2,
  'worker/task-hosts': 2,
}

type Suite = (typeof SUITES)[number]

async function filesIn(patterns: readonly string[]): Promise<string[]> {
  const files: string[] = []
  for await (const file of glob(patterns, { cwd: ROOT })) files.push(file)
  return files.sort()
}

async function unitFiles(): Promise<string[]> {
  const servers = new Set<string>(Object.values(SERVER_FOLDERS).flat())
  return (await filesIn(['test/**/*.test.ts'])).filter((file) => !servers.has(file.split(path.sep)[1] ?? ''))
}

/** Each file, those that take longest first, goes to the part that has least to do so far. */
function inParts(files: readonly string[], count: number): readonly (readonly string[])[] {
  const seconds = (file: string) =>
    UNIT_SECONDS[file.replace(/^test.|\.test\.ts$/g, '').replaceAll(path.sep, '/')] ?? 0.3
  const parts = Array.from({ length: count }, () => ({ files: new Array<string>(), seconds: 0 }))
  for (const file of files.toSorted((a, b) => seconds(b) - seconds(a))) {
    const [least] = parts.toSorted((a, b) => a.seconds - b.seconds)
    least?.files.push(file)
    if (least !== undefined) least.seconds += seconds(file)
  }
  return parts.map((part) => part.files.toSorted())
}

/** The files without servers in parts that take about as long. A third process works while others wait. */
async function unitTests(): Promise<Outcome[]> {
  const parts = inParts(await unitFiles(), UNIT_PARTS)
  return Promise.all(parts.map((files, i) => mocha(`unit tests, part ${i + 1} of ${UNIT_PARTS}`, files)))
}

/** Properties and mutations with as many runs as `runs(…)` of test/support/runs.ts has for this suite. */
async function longProperties(): Promise<Outcome[]> {
  const files: string[] = []
  for (const file of await unitFiles())
    if ((await readFile(path.join(ROOT, file), 'utf8')).includes('support/runs.ts')) files.push(file)
  return [await mocha('properties with more runs', files, { SLUICE_TEST_RUNS: 'long' })]
}

async function serverTests(suite: keyof typeof SERVER_FOLDERS): Promise<Outcome[]> {
  const found = await filesIn(SERVER_FOLDERS[suite].map((folder) => `test/${folder}/**/*.test.ts`))
  const files = found.filter((file) => !CONFORMANCE_TESTS.includes(file))
  const rank = (file: string) => (FIRST.includes(path.basename(file, '.test.ts')) ? 0 : 1)
  const queue = files.sort((a, b) => rank(a) - rank(b))
  const outcomes: Outcome[] = []
  const lane = (): Promise<void> =>
    withKafka(async (env) => {
      for (let file = queue.shift(); file !== undefined; file = queue.shift())
        outcomes.push(await mocha(file, [file], env))
    })
  await Promise.all(Array.from({ length: AT_A_TIME }, lane))
  return outcomes
}

async function checks(): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const script of CHECKS) outcomes.push(await check(script))
  return outcomes
}

async function outcomesOf(suite: Suite): Promise<Outcome[]> {
  if (suite === 'checks') return checks()
  if (suite === 'unit') return unitTests()
  return suite === 'long' ? [...(await longProperties()), ...(await serverTests(suite))] : serverTests(suite)
}

/** What `npm test` runs. */
async function everyDay(): Promise<Outcome[]> {
  const units = await unitTests()
  return [...units, ...(await Promise.all([serverTests('server'), checks()])).flat()]
}

function suiteOf(name: string): Suite {
  const suite = SUITES.find((each) => each === name)
  if (suite !== undefined) return suite
  const usage = `Usage: node scripts/test.ts [${SUITES.join(' | ')}]`
  process.stderr.write(`There are no "${name}" tests. ${usage}\n`)
  process.exit(2)
}

stopOnSignals()
const [only] = parseArgs({ allowPositionals: true }).positionals
closeWith(only === undefined ? await everyDay() : await outcomesOf(suiteOf(only)))
