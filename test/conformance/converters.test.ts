import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { findConverterPlugin } from '../../src/converters/index.ts'
import { recordsSide } from '../../src/converters/records-side.ts'
import { allRows, bytesOf, Failures, slicesOf } from '../converters/support.ts'
import { type ConverterPlugin, ConnectError, type Schema, SILENT, type Value } from '../../src/index.ts'
import {
  answerOf,
  bytesOfCase,
  type Case,
  type GoldenAnswer,
  schemaOfCase,
  valueOf,
} from './converter-answers.ts'

function json(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'))
}

/** Headers travel as bytes here: what Kafka Connect's converter makes of them is kept for the day when they do not. */
const cases = (json('converter-cases.json') as Case[]).filter(({ header }) => header !== true)
const golden = new Map(
  (json('golden/converters.json') as GoldenAnswer[]).map((answer) => [answer.case, answer]),
)
/** What Sluice answers instead, on purpose, and why. */
const deviations = json('converter-deviations.json') as Readonly<
  Record<string, { readonly because: string; readonly sluice: unknown } | undefined>
>

function open(plugin: ConverterPlugin, given: Case) {
  return plugin.open(plugin.config.read(given.config ?? {}), {
    side: given.key === true ? 'key' : 'value',
    log: SILENT,
  })
}

async function read(plugin: ConverterPlugin, given: Case, bytes: Buffer | null): Promise<unknown> {
  const failures = new Failures()
  const side = await open(plugin, given).decode('t', slicesOf([bytes]), failures.fail)
  const value = side.value(0, failures.fail)
  const schema = side.schema(0, failures.fail)
  return failures.errors.size > 0 ? { error: failures.codes()[0] } : answerOf(schema, value)
}

async function write(plugin: ConverterPlugin, given: Case, schema: Schema | null, value: Value) {
  const failures = new Failures()
  const encoded = await open(plugin, given).encode(
    't',
    recordsSide([schema], [value]),
    allRows(1),
    failures.fail,
  )
  const bytes = bytesOf(encoded, [0])[0] ?? null
  return failures.errors.size > 0 ? { error: failures.codes()[0] } : { bytes: bytes?.toString('hex') ?? null }
}

async function answer(plugin: ConverterPlugin, given: Case): Promise<unknown> {
  try {
    if (given.write === undefined) return await read(plugin, given, bytesOfCase(given.read ?? null))
    return await write(plugin, given, schemaOfCase(given.write.schema), valueOf(given.write.value))
  } catch (error) {
    if (error instanceof ConnectError) return { error: error.code }
    throw error
  }
}

/** Maps in one order: Java's HashMap has one of its own. */
function sorted(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(sorted)
  if (typeof json !== 'object' || json === null) return json
  return Object.fromEntries(
    Object.entries(json).map(([name, item]: [string, unknown]) => {
      const items = sorted(item)
      return [name, name === 'map' ? (items as unknown[]).map((i) => JSON.stringify(i)).sort() : items]
    }),
  )
}

/** An error is an error: Kafka Connect has one class for nearly all of them. */
function comparable(found: unknown): unknown {
  return found !== null && typeof found === 'object' && 'error' in found ? { error: 'any' } : sorted(found)
}

describe('a converter answers as Kafka Connect’s does', () => {
  for (const given of cases) {
    const plugin = findConverterPlugin(given.class)
    it(given.case, async () => {
      if (plugin === undefined) throw new Error(`there is no ${given.class}`)
      const right: Partial<GoldenAnswer> = { ...golden.get(given.case) }
      delete right.case
      const found = await answer(plugin, given)
      const deviation = deviations[given.case]
      if (deviation === undefined) {
        expect(comparable(found)).to.deep.equal(comparable(right))
        return
      }
      expect(found, deviation.because).to.deep.equal(deviation.sluice)
      expect(comparable(found), 'it is no deviation any more').to.not.deep.equal(comparable(right))
    })
  }

  it('and every deviation belongs to a case', () => {
    expect(Object.keys(deviations).filter((name) => !golden.has(name))).to.deep.equal([])
  })
})
