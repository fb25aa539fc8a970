/**
 * Compares our transforms with Apache's on generated cases: `node transform-compare.ts LIB [COUNT] [SEED] [CLASS…]`, where
 * LIB has the jars (java/README.md). With `--golden FILE` it writes fingerprints of what
 * Apache's did, which transforms.test.ts compares without Java.
 */
import { execFileSync } from 'node:child_process'
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import {
  caseJson,
  difference,
  fingerprint,
  isKnownDeviation,
  type Outcome,
  replay,
} from './transform-replay.ts'
import { type Case, casesOf, CLASSES } from './transform-cases.ts'

const { values, positionals } = parseArgs({ allowPositionals: true, options: { golden: { type: 'string' } } })
const [lib = '', count = '20000', seed = '1', ...only] = positionals
const folder = mkdtempSync(path.join(tmpdir(), 'transforms-'))
const golden: Record<string, (string | null)[]> = {}

const source = path.join(import.meta.dirname, 'java/TransformGolden.java')
execFileSync('javac', ['-encoding', 'UTF-8', '-d', folder, '-cp', `${lib}/*`, source], { stdio: 'inherit' })

/** What Apache's class did, case by case. */
async function javaOutcomes(cases: readonly Case[]): Promise<string[]> {
  const [input, output] = [path.join(folder, 'cases.jsonl'), path.join(folder, 'outcomes.jsonl')]
  const file = createWriteStream(input)
  for (const each of cases) if (!file.write(`${caseJson(each)}\n`)) await once(file, 'drain')
  await new Promise((resolve) => file.end(resolve))
  execFileSync('java', ['-cp', `${folder}:${lib}/*`, 'TransformGolden', input, output], { stdio: 'inherit' })
  return readFileSync(output, 'utf8').trimEnd().split('\n')
}

for (const name of only.length > 0 ? only : CLASSES) {
  const cases = [...casesOf(name, Number(count), Number(seed))]
  const outcomes = await javaOutcomes(cases)
  const tally = { equal: 0, errors: 0, known: 0, different: 0 }
  const shown = new Map<string, number>()
  const prints: (string | null)[] = []
  for (const [i, each] of cases.entries()) {
    const java = JSON.parse(outcomes[i] ?? '{}') as Outcome
    const ours = await replay(each)
    const where = difference(java, ours)
    const isKnown = where !== undefined && isKnownDeviation(java, ours)
    prints.push(isKnown ? null : fingerprint(java))
    if (isKnown) tally.known++
    else if (where === undefined) {
      tally.equal++
      if (java.error !== undefined || java.config !== undefined) tally.errors++
    }
    if (where === undefined || isKnown) continue
    tally.different++
    const times = shown.get(where) ?? 0
    shown.set(where, times + 1)
    if (times < 2)
      console.log(
        `${name} ${where}\n  case ${caseJson(each)}\n  java ${JSON.stringify(java)}\n  ours ${JSON.stringify(ours)}`,
      )
  }
  console.log(
    `${name}: ${cases.length} cases, ${tally.equal} equal (${tally.errors} of them errors), ${tally.known} deviate as known, ${tally.different} different`,
  )
  golden[name] = prints
  if (tally.different > 0) process.exitCode = 1
}
if (values.golden !== undefined)
  writeFileSync(values.golden, JSON.stringify({ seed: Number(seed), classes: golden }))
rmSync(folder, { recursive: true })
