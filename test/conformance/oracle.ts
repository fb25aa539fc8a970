/**
 * Compares Sluice with Apache's classes on generated cases: `npm run oracle -- [--lib LIB] [--count 20000] [--seed 1]
 * [CLASS…]`, where LIB has the jars (java/README.md). Without a class it asks all, and writes docs/oracle.md; with
 * `--part FILE` it keeps the tallies of some classes, and with `--parts FILE --parts FILE …` it writes the page from such; with
 * `--golden FILE` it writes fingerprints of what Apache's classes did instead, which oracle.test.ts compares without Java.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { type Asked, type Deviation, deviationNamed, deviationOf } from './oracle-deviations.ts'
import { JavaOracle } from './oracle-java.ts'
import { writeReport } from './oracle-report.ts'
import { type AnyOutcome, type Subject, SUBJECTS } from './oracle-subjects.ts'
import { fingerprint } from './transform-replay.ts'

const CACHE = path.join(import.meta.dirname, '../../.cache')

/** What came of a class's cases. */
export interface Tally {
  readonly name: string
  readonly configs: number
  readonly records: number
  equal: number
  /** Of the equal ones: refused by both. */
  refused: number
  different: number
  readonly deviations: Map<Deviation, number>
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    lib: { type: 'string', default: path.join(CACHE, 'golden-lib') },
    count: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    show: { type: 'string', default: '2' },
    golden: { type: 'string' },
    part: { type: 'string' },
    parts: { type: 'string', multiple: true },
  },
})
const [count, seed] = [Number(values.count), Number(values.seed)]

/** Fingerprints of what Apache's classes did; null where Sluice deviates. */
const golden: Record<string, (string | null)[]> = {}

async function compare(subject: Subject, java: JavaOracle): Promise<Tally> {
  const cases = [...subject.cases(count, seed)]
  const outcomes = java.ask(
    subject.kind,
    cases.map(({ asked }) => asked),
  )
  const configs = new Set(cases.map(({ config }) => config)).size
  const counts = { equal: 0, refused: 0, different: 0 }
  const tally: Tally = {
    name: subject.name,
    configs,
    records: cases.length,
    ...counts,
    deviations: new Map(),
  }
  const shown = new Map<string, number>()
  const prints: (string | null)[] = (golden[subject.name] = [])
  for (const [i, each] of cases.entries()) {
    const theirs = JSON.parse(outcomes[i] ?? '{}') as AnyOutcome
    const ours = await each.replay()
    const where = subject.difference(theirs, ours)
    prints.push(where === undefined ? fingerprint(theirs) : null)
    if (where === undefined) {
      tally.equal++
      if (theirs.error !== undefined || theirs.config !== undefined) tally.refused++
      continue
    }
    const found = { subject, asked: JSON.parse(each.asked) as Asked, java: theirs, ours }
    const deviation = deviationOf(found)
    if (deviation !== undefined) {
      tally.deviations.set(deviation, (tally.deviations.get(deviation) ?? 0) + 1)
      continue
    }
    tally.different++
    const times = shown.get(where) ?? 0
    shown.set(where, times + 1)
    if (times < Number(values.show))
      console.log(
        `${subject.name} ${where}\n  case ${each.asked}\n  java ${JSON.stringify(theirs)}\n  ours ${JSON.stringify(ours)}`,
      )
  }
  return tally
}

/** A tally in a file: `--part` writes it, `--parts` reads it. */
const kept = (tallies: readonly Tally[]) =>
  tallies.map((tally) => ({
    ...tally,
    deviations: [...tally.deviations].map(([{ what }, times]) => [what, times]),
  }))

function keptIn(file: string): Tally[] {
  const all = JSON.parse(readFileSync(file, 'utf8')) as (Omit<Tally, 'deviations'> & {
    readonly deviations: readonly (readonly [string, number])[]
  })[]
  return all.map((tally) => {
    const found = tally.deviations.map(([what, times]) => [deviationNamed(what)!, times] as const)
    return { ...tally, deviations: new Map(found) }
  })
}

const isChosen = ({ name }: Subject): boolean => positionals.length === 0 || positionals.includes(name)

async function compareAll(java: JavaOracle): Promise<Tally[]> {
  const tallies: Tally[] = []
  for (const subject of SUBJECTS.filter(isChosen)) {
    const tally = await compare(subject, java)
    const deviating = [...tally.deviations.values()].reduce((sum, each) => sum + each, 0)
    console.log(
      `${tally.name}: ${tally.records} records, ${tally.configs} configurations: ${tally.equal} equal (${tally.refused} refused by both), ${deviating} deviate as listed, ${tally.different} different`,
    )
    tallies.push(tally)
    if (tally.different > 0) process.exitCode = 1
  }
  return tallies
}

const folder = path.join(CACHE, 'oracle')
mkdirSync(folder, { recursive: true })
const java = new JavaOracle(values.lib, folder)
const order = SUBJECTS.map(({ name }) => name)
const tallies = values.parts === undefined ? await compareAll(java) : values.parts.flatMap(keptIn)
tallies.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name))
if (values.golden !== undefined) writeFileSync(values.golden, JSON.stringify({ seed, classes: golden }))
else if (values.part !== undefined) writeFileSync(values.part, JSON.stringify(kept(tallies)))
else if (positionals.length === 0) writeReport(tallies, { count, seed, version: java.version() })
