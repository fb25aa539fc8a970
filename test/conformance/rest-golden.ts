import { readFileSync, writeFileSync } from 'node:fs'
import type { Answer } from './rest-replay.ts'
import type { ScriptName } from './rest-scripts.ts'

/** The entries of `validate`'s answers, of which most are in many of them: each is kept once. */
interface GoldenFile {
  readonly by: string
  readonly entries: readonly unknown[]
  readonly answers: readonly Answer[]
}

const BY = 'org.apache.kafka:connect-runtime:4.3.1 ConnectDistributed'

function fileOf(script: ScriptName): URL {
  return new URL(`golden/rest-${script === 'base' ? 'answers' : script}.json`, import.meta.url)
}

/** What a real Kafka Connect worker answered to a script. */
export function readGolden(script: ScriptName = 'base'): readonly Answer[] {
  const { entries, answers } = JSON.parse(readFileSync(fileOf(script), 'utf8')) as GoldenFile
  return answers.map((answer) => withConfigs(answer, (place) => entries[place as number]))
}

export function writeGolden(script: ScriptName, answers: readonly Answer[]): void {
  const places = new Map<string, number>()
  const placeOf = (entry: unknown): number => {
    const text = JSON.stringify(entry)
    const place = places.get(text) ?? places.size
    places.set(text, place)
    return place
  }
  const kept = answers.map((answer) => withConfigs(answer, placeOf))
  const entries = [...places.keys()].map((text) => JSON.parse(text) as unknown)
  writeFileSync(fileOf(script), `${JSON.stringify({ by: BY, entries, answers: kept }, null, 2)}\n`)
}

function withConfigs(answer: Answer, change: (entry: unknown) => unknown): Answer {
  const { body } = answer
  if (typeof body !== 'object' || body === null || !('configs' in body) || !Array.isArray(body.configs))
    return answer
  return { ...answer, body: { ...body, configs: body.configs.map(change) } }
}
