/**
 * Asks Kafka's own assignors about generated groups and writes golden/consumer-assignors.json: for range and roundrobin what they
 * decided, for the sticky ones how many partitions they left where they were. Usage: `node consumer-assignors-record.ts LIB`, where LIB
 * has the jars (java/README.md).
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { decodeAssignment, type OwnedPartitions } from '../../src/kafka/groups/consumer-protocol.ts'
import { asked, fingerprintOf, groupCases, kept, SEED, STRATEGIES } from './consumer-assignor-cases.ts'

const COUNT = 2000
const [lib = ''] = process.argv.slice(2)
const folder = mkdtempSync(path.join(tmpdir(), 'sluice-assignors-'))
const answers: Record<string, (string | number | null)[]> = {}
try {
  for (const assignor of STRATEGIES) {
    const cases = [...groupCases(assignor, COUNT, SEED)]
    const [input, output] = [path.join(folder, 'cases'), path.join(folder, 'shares')]
    writeFileSync(input, cases.map((each, row) => asked(assignor, each, row)).join('\n'))
    const source = path.join(import.meta.dirname, 'java/ConsumerAssignorOracle.java')
    execFileSync('java', ['-Xmx512m', '-cp', `${lib}/*`, source, input, output], {
      stdio: 'inherit',
    })
    const lines = readFileSync(output, 'utf8').trimEnd().split('\n')
    answers[assignor.name] = cases.map((each, row) => {
      if (lines[row]?.startsWith('!') === true) return null
      const shares = new Map<string, readonly OwnedPartitions[]>(
        (lines[row] ?? '').split(' ').map((word) => {
          const [memberId = '', hex = ''] = word.split(',')
          return [memberId, decodeAssignment(Buffer.from(hex, 'hex')).assigned]
        }),
      )
      return assignor.name.includes('sticky') ? kept(each, shares) : fingerprintOf(shares)
    })
  }
} finally {
  rmSync(folder, { recursive: true })
}
writeFileSync(
  path.join(import.meta.dirname, 'golden/consumer-assignors.json'),
  JSON.stringify({ by: 'org.apache.kafka:kafka-clients:4.3.1', ...answers }),
)
