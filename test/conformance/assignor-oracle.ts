/**
 * Compares what our leaders assign with what Kafka Connect's assignors do, over generated sequences of rebalances:
 * `node --conditions=source test/conformance/assignor-oracle.ts [--lib LIB] [--count 20000] [--seed 1] [--golden FILE]`, where LIB
 * has the jars (java/README.md). `--golden` writes fingerprints of what Java assigned, which assignor.test.ts compares without it.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { deviationOf, fingerprintOf, meaningOf } from './assignor-answers.ts'
import { type SequenceCase, sequences } from './assignor-cases.ts'

const CACHE = path.join(import.meta.dirname, '../../.cache')
const { values } = parseArgs({
  options: {
    lib: { type: 'string', default: path.join(CACHE, 'golden-lib') },
    count: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    golden: { type: 'string' },
  },
})
const [count, seed] = [Number(values.count), Number(values.seed)]

type Answers = readonly Readonly<Record<string, string>>[]

/** Apache's assignors on the same sequences; they only ever see bytes. */
function askJava(cases: readonly SequenceCase[]): Answers[] {
  const folder = path.join(CACHE, 'assignor-oracle')
  mkdirSync(folder, { recursive: true })
  const [input, output] = [path.join(folder, 'cases'), path.join(folder, 'outcomes')]
  writeFileSync(input, cases.map((each) => `${JSON.stringify({ ...each, ours: undefined })}\n`).join(''))
  const program = path.join(import.meta.dirname, 'java/AssignorOracle.java')
  const args = ['-Dfile.encoding=UTF-8', '-cp', `${values.lib}/*`, program, input, output]
  execFileSync('java', args, { stdio: 'inherit' })
  return readFileSync(output, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Answers)
}

const cases = [...sequences(count, seed)]
const theirs = askJava(cases)
const golden: string[][] = []
const deviations = new Map<string, number>()
const tally = { rounds: 0, eager: 0, delayed: 0, revoked: 0, different: 0 }

/** Compares round by round; a deviation ends the sequence, because what follows has another beginning. */
function compare(each: SequenceCase, java: Answers): string[] {
  const prints: string[] = []
  for (const [n, round] of each.rounds.entries()) {
    const [ours, wanted] = [meaningOf(each.ours[n] ?? {}), meaningOf(java[n] ?? {})]
    if (JSON.stringify(ours) === JSON.stringify(wanted)) {
      prints.push(fingerprintOf(wanted))
      tally.rounds++
      if (round.protocol === 'default') tally.eager++
      if (Object.values(wanted).some(({ delayMs }) => delayMs > 0)) tally.delayed++
      if (Object.values(wanted).some(({ revoked }) => revoked.length > 0)) tally.revoked++
      continue
    }
    const answered = each.rounds
      .slice(0, n + 1)
      .map((r, at) => ({ round: r, java: meaningOf(java[at] ?? {}) }))
    const deviation = deviationOf(answered)
    if (deviation !== undefined) deviations.set(deviation, (deviations.get(deviation) ?? 0) + 1)
    else if (tally.different++ < 2)
      console.log(
        'DIFFERENT',
        JSON.stringify(
          { maxDelay: each.maxDelay, n, rounds: each.rounds.slice(0, n + 1), java: wanted, ours },
          null,
          1,
        ),
      )
    break
  }
  return prints
}

for (const [n, each] of cases.entries()) golden.push(compare(each, theirs[n] ?? []))
console.log(
  `${count} sequences, ${tally.rounds} rebalances equal (${tally.eager} eager, ${tally.delayed} with a delay, ${tally.revoked} with revocations), ${tally.different} sequences different`,
)
for (const [what, times] of deviations) console.log(`${times} sequences deviate as listed: ${what}`)
if (values.golden !== undefined) writeFileSync(values.golden, JSON.stringify({ seed, sequences: golden }))
if (tally.different > 0) process.exitCode = 1
