import { AssertionError } from 'node:assert'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import {
  ConfigError,
  DataError,
  defineConfig,
  type Example,
  isStruct,
  key,
  mapRecords,
  type SinkRecord,
  struct,
  type Transform,
  type TransformPlugin,
} from '../../src/index.ts'
import { applyTransform, runExamples } from '../../src/testing/index.ts'
import { rejection } from '../support/rejection.ts'

const config = defineConfig({ field: key.string({ doc: 'The field to double.' }) })
const row = (n: number) => ({ value: struct({ n }) })
const example = (have: Example['have'], want: Example['want']): Example => ({
  ...{ summary: 'a number', config: { field: 'n' }, have, want },
})

function double(record: SinkRecord, field: string): SinkRecord | undefined {
  const { value } = record
  if (!isStruct(value)) return undefined
  if (typeof value[field] !== 'number') throw new DataError('record.field', `no number in ${field}`)
  return { ...record, value: struct({ ...value, [field]: value[field] * 2 }) }
}

function doubling(
  examples: readonly Example[],
  open: (field: string) => Transform = (field) => mapRecords((record) => double(record, field)),
): TransformPlugin<typeof config.keys> {
  return {
    kind: 'transform',
    name: 'Double',
    version: '1.0.0',
    summary: 'Doubles a number.',
    ...{ config, examples, open: ({ field }) => open(field) },
  }
}

describe('runExamples', () => {
  const failure = (...examples: readonly Example[]) => rejection(runExamples(doubling(examples)))

  it('passes where records, dropped ones and errors are as wanted', async () => {
    const wanted = [{ value: struct({ n: 4 }) }, null, { error: 'record.field' }]
    await runExamples(doubling([example([row(2), { value: 'text' }, { value: struct() }], wanted)]))
  })

  it('fails with the example, the record, and what came out', async () => {
    const wrong = await failure(example([row(1), row(2)], [row(2), row(5)]))
    expect(wrong).to.be.instanceOf(AssertionError)
    expect(wrong.message).to.match(/^Double, example "a number", record 1: [^]*\+ +n: 4\n- +n: 5/)
    expect(wrong.stack).to.contain(wrong.message) // which is what test runners show
    expect((await failure(example([{ value: 'text' }], [row(2)]))).message).to.contain('record 0')
    expect((await failure(example([row(1)], [null]))).message).to.contain('n: 2')
    expect((await failure(example([row(1)], [{ error: 'record.field' }]))).message).to.contain('n: 2')
  })

  it('says why a record failed that should not have, or with another error', async () => {
    for (const want of [row(1), null, { error: 'record.value' }])
      expect((await failure(example([{ value: struct() }], [want]))).message).to.contain('no number in n')
  })

  it('compares the parts that an example names, and the value always', async () => {
    const keyed = { ...row(1), key: 'k', topic: 'a', timestamp: 5n }
    await runExamples(doubling([example([keyed], [row(2)]), example([keyed], [{ ...keyed, ...row(2) }])]))
    expect((await failure(example([keyed], [{ key: 'k' }]))).message).to.contain('value: null')
    for (const [part, other] of [
      ['key', 'x'],
      ['topic', 'b'],
      ['timestamp', 6n],
    ] as const)
      expect((await failure(example([keyed], [{ ...row(2), [part]: other }]))).message).to.contain(`${part}:`)
  })

  it('takes a number for another that is as near as it is told, and no nearer', async () => {
    const third = [example([row(1 / 3)], [row(0.66667)])]
    await runExamples(doubling(third), { tolerance: 1e-5 })
    expect(await rejection(runExamples(doubling(third), { tolerance: 1e-6 }))).to.be.instanceOf(
      AssertionError,
    )
    expect(await rejection(runExamples(doubling(third)))).to.be.instanceOf(AssertionError)
  })

  it('names the example that the transform cannot work on', async () => {
    const misspelt = { ...example([row(1)], [row(2)]), config: { feild: 'n' } }
    const { message, cause } = await failure(example([row(1)], [row(2)]), misspelt)
    expect(message).to.match(/^Double, example "a number": [^]*field/)
    expect(cause).to.be.instanceOf(ConfigError)
  })

  it('refuses examples that are none', async () => {
    expect((await failure()).message).to.equal('Double has no examples.')
    expect((await failure(example([row(1)], []))).message).to.contain('has 1 records and wants 0')
    expect((await failure(example([{ value: { n: 1 } }], [row(2)]))).message).to.equal(
      'Double, example "a number": A record that the test gives: the value has a plain object, which no transform takes for a struct. Make it with struct({ … }).',
    )
  })
})

describe('a transform under test', () => {
  const outcomes = (open: () => Transform, records = [row(1)]) =>
    applyTransform(doubling([], open), { field: 'n' }, records)
  const broken = async (open: () => Transform) => (await rejection(outcomes(open))).message
  const giving = (change: (record: SinkRecord) => Partial<SinkRecord>) => () =>
    mapRecords((record) => ({ ...record, ...change(record) }))
  const example = (open: () => Transform, want: Example['want'][number]) =>
    rejection(
      runExamples(doubling([{ summary: 's', config: { field: 'n' }, have: [row(1)], want: [want] }], open)),
    )

  it('gives records, null and errors in the order of the records', async () => {
    const records = [row(1), { value: null }, { value: struct() }]
    const [first, second, third] = await applyTransform(doubling([]), { field: 'n' }, records)
    expect(first).to.deep.include({ topic: 't', value: struct({ n: 2 }) })
    expect(second).to.equal(null)
    expect(third).to.be.instanceOf(DataError).and.to.include({ message: 'no number in n' })
  })

  it('may not change what it was given, nor leave rows out', async () => {
    const changing = giving(({ value }) => {
      if (isStruct(value)) value['n'] = 7
      return {}
    })
    expect(await broken(changing)).to.contain('Double changed the records it was given')
    expect(await broken(() => ({ apply: (batch) => ({ ...batch, length: 0 }) }))).to.contain(
      'a batch of 0 records',
    )
  })

  it('may not give what no converter writes, or no other transform reads', async () => {
    const text = { type: 'STRING', optional: false } as const
    const misfit = await example(
      giving(() => ({ value: 1, valueSchema: text })),
      { value: 1 },
    )
    expect(misfit.message).to.match(/^Double, example "s", record 0: the value does not fit its schema: /)
    const plain = await example(
      giving(() => ({ key: [struct({ a: { b: 1 } })] })),
      row(1),
    )
    expect(plain.message).to.contain('the key has a plain object at 0.a, which')
    const keyMap = await example(
      giving(() => ({ key: new Map([['a', { b: 1 }]]) })),
      row(1),
    )
    expect(keyMap.message).to.contain('the key has a plain object at a, which')
    const decimal = { unscaled: 1n, scale: 2 }
    await outcomes(giving(() => ({ value: new Map([[struct({ at: new Date(0) }), decimal]]) })))
  })

  it('has its configuration read, its side told, and no models but those of the test', async () => {
    expect((await rejection(applyTransform(doubling([]), {}, []))).message).to.contain('field')
    const sides: string[] = []
    const plugin: TransformPlugin = {
      ...doubling([]),
      open: (_, { side, models }) => {
        sides.push(side)
        return { apply: (batch) => models.load('iris').then(() => batch) }
      },
    }
    const error = await rejection(applyTransform(plugin, { field: 'n' }, [], { side: 'key' }))
    expect(error.message).to.equal('The test has no model iris: give it `models` that have it.')
    expect(sides).to.deep.equal(['key'])
  })
})
