import { writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Deviation } from './oracle-deviations.ts'
import type { Tally } from './oracle.ts'

export interface Run {
  readonly count: number
  readonly seed: number
  readonly version: string
}

const number = (value: number): string => value.toLocaleString('en')
const sum = (values: Iterable<number>): number => [...values].reduce((total, each) => total + each, 0)

function row({ name, configs, records, equal, refused, different, deviations }: Tally): string {
  const numbers = [configs, records, equal, refused, sum(deviations.values()), different].map(number)
  return `| ${name} | ${numbers.join(' | ')} |`
}

/** What deviates, why, and in how many cases of which class. */
function reasons(tallies: readonly Tally[]): string[] {
  const found = new Map<Deviation, string[]>()
  for (const { name, deviations } of tallies)
    for (const [deviation, times] of deviations)
      found.set(deviation, [...(found.get(deviation) ?? []), `${name} ${number(times)}`])
  return [...found].map(([{ what, because }, where]) => `| ${what} | ${because} | ${where.join(', ')} |`)
}

/** Not among the cases: what cannot be asked in this way. */
const BESIDES = `Not compared, for the cases are made so that it does not show:

| Sluice | Why |
| --- | --- |
| Without a schema, integers are longs, other numbers doubles, and maps keep their order. | So the data of this project is; JSON shows no difference. |
| A header that no transform touches keeps its bytes: \`1.50\` stays \`1.50\`. | Kafka Connect reads headers and writes them anew, which makes 1.5 of it. |
| ReplaceField still knows \`blacklist\` and \`whitelist\`. | Kafka Connect 4 ignores them in silence: a configuration of version 3 would lose its filter. |
| Names of time zones other than those of UTC, North America and Central Europe are not read. | Java knows 600, some of them twice with different meanings; an offset says what is meant. |
`

/** Writes docs/oracle.md. */
export function writeReport(tallies: readonly Tally[], { count, seed, version }: Run): void {
  const total = (of: (tally: Tally) => number): string => number(sum(tallies.map(of)))
  const page = `# The oracle

Sluice compared with Apache's classes, which run in a JVM on the same generated records and configurations. What comes out is
compared whole: topic, timestamp, key, value, schemas, headers, bytes, and whether a record or its configuration is refused
(in which words is not compared). This page is written by \`npm run oracle\`; nobody edits it. How to run it:
test/conformance/java/README.md in a checkout.

**${total(({ records }) => records)} records, ${total(({ equal }) => equal)} equal, ${total(({ different }) => different)} different,
${total(({ deviations }) => sum(deviations.values()))} otherwise on purpose**, for the reasons below. Asked: ${version}, seed ${seed}, ${number(count)} cases for each class
(and each direction of a converter). \`chain\` is up to three transforms with predicates and \`negate\`, run by the classes of
Kafka Connect's worker.

| Class | Configurations | Records | Equal | of them refused by both | Otherwise on purpose | Different |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
${tallies.map(row).join('\n')}

SimpleHeaderConverter is compared as HeaderFrom and InsertHeader use it: \`reads\` is a text read and written again.

## Otherwise on purpose

| Sluice | Why | Records |
| --- | --- | --- |
${reasons(tallies).join('\n')}

${BESIDES}`
  writeFileSync(path.join(import.meta.dirname, '../../docs/oracle.md'), page)
}
