import { expect } from 'chai'
import { describe, it } from 'mocha'
import { DataError, type Models, ModelError, type Schema, SILENT, struct } from '../../../src/index.ts'
import type { Batch } from '../../../src/runtime/records/batch.ts'
import { TransformChain } from '../../../src/runtime/chain/chain.ts'
import { conditionProblems, holdOthers, unusedPredicates } from '../../../src/runtime/chain/conditions.ts'
import { rejoin } from '../../../src/runtime/chain/rejoin.ts'
import { batchOf } from '../../support/example-batch.ts'

const NO_MODELS: Models = { load: (name) => Promise.reject(new ModelError('model.missing', `no ${name}`)) }

const PARSE = {
  transforms: 'parse',
  'transforms.parse.type': 'ParseCsv$Value',
  'transforms.parse.fields': 'Year:int32',
  'transforms.parse.predicate': 'p',
  predicates: 'p',
  'predicates.p.type': 'org.apache.kafka.connect.transforms.predicates.TopicNameMatches',
  'predicates.p.pattern': 'lines.*',
}

async function run(config: Record<string, string>, batch: Batch): Promise<Batch> {
  const chain = await TransformChain.open(config, NO_MODELS, SILENT)
  const result = await chain.apply(batch, () => undefined)
  chain.close()
  return result
}

const values = (batch: Batch) => Array.from({ length: batch.length }, (_, row) => batch.value('value', row))
const mixed = () =>
  batchOf([
    { topic: 'lines-1', value: '1987' },
    { topic: 'other', value: '1988' },
    { topic: 'lines-2', value: 'x' },
    { topic: 'lines', value: '1989' },
    { topic: 'the-lines', value: null },
  ])

describe('a transform with a predicate', () => {
  it('gets the records that match; the others go on as they were, in their order', async () => {
    const result = await run(PARSE, mixed())
    expect(values(result)).to.deep.equal([struct({ Year: 1987 }), '1988', null, struct({ Year: 1989 }), null])
    expect(result.failure(2)?.code).to.equal('record.value')
    expect([0, 1, 3, 4].map((row) => result.isLive(row))).to.deep.equal([true, true, true, true])
    expect(result.states.live).to.equal(4)
    expect(result.topic(1)).to.equal('other')
    expect(result.schema('value', 0)).to.have.property('name', 'Row')
    expect(result.schema('value', 1)).to.equal(null)
  })

  it('gets the records that do not match with negate', async () => {
    const result = await run({ ...PARSE, 'transforms.parse.negate': 'TRUE' }, mixed())
    expect(values(result)).to.deep.equal(['1987', struct({ Year: 1988 }), 'x', '1989', null])
    expect(result.states.failures()).to.deep.equal([])
  })

  it('is not called where no record matches', async () => {
    const batch = batchOf([{ topic: 'other', value: 'x' }])
    expect(await run(PARSE, batch)).to.equal(batch)
    expect(batch.isLive(0)).to.equal(true)
  })

  it('leaves keys, topics and headers alone that it did not change', async () => {
    const valueSchema: Schema = {
      type: 'STRUCT',
      optional: false,
      fields: [{ name: 'line', schema: { type: 'STRING', optional: false } }],
    }
    const line = (topic: string) => ({ topic, key: 'k', valueSchema, value: struct({ line: '1987' }) })
    const batch = batchOf([line('lines'), line('other')])
    const result = await run({ ...PARSE, 'transforms.parse.field': 'line' }, batch)
    expect(values(result)).to.deep.equal([struct({ line: '1987', Year: 1987 }), struct({ line: '1987' })])
    expect(result.schema('value', 1)).to.equal(valueSchema)
    expect(result.sides.key).to.equal(batch.sides.key)
    expect(result.changes).to.deep.equal(batch.changes)
  })

  it('sees tombstones, and headers', async () => {
    const config = { ...PARSE, 'predicates.p.type': 'RecordIsTombstone', 'transforms.parse.negate': 'true' }
    expect(values(await run(config, batchOf([{ value: null }, { value: '3' }])))).to.deep.equal([
      null,
      struct({ Year: 3 }),
    ])
    const header = { ...PARSE, 'predicates.p.type': 'HasHeaderKey', 'predicates.p.name': 'h' }
    const headers = [
      { key: 'g', value: null },
      { key: 'h', value: null },
    ]
    expect(values(await run(header, batchOf([{ value: '1', headers }, { value: '2' }])))).to.deep.equal([
      struct({ Year: 1 }),
      '2',
    ])
  })

  it('fails the record that its predicate throws for, and no other', () => {
    const batch = mixed()
    const predicate = {
      matches: () => (row: number) => {
        if (row === 1) throw new DataError('record.field', 'no such field')
        return row === 0
      },
    }
    expect(holdOthers({ name: 'P', predicate, negate: false }, batch)).to.deep.equal([2, 3, 4])
    expect(batch.states.failure(1)).to.include({ plugin: 'P', stage: 'TRANSFORMATION' })
    expect([...batch.states.liveRows()]).to.deep.equal([0])
    batch.states.release()
    expect([...batch.states.liveRows()]).to.deep.equal([0, 2, 3, 4])
  })

  it('takes topics, timestamps and headers of the others from before', () => {
    const batch = batchOf([{ timestamp: 1n }, { timestamp: 2n }])
    const header = { key: 'h', value: Buffer.from('x') }
    const after = batch
      .withTopics(['a', 'b'])
      .withTimestamps(BigInt64Array.of(8n, 9n))
      .withHeaders([[header], [header]])
      .withHeader('g', { type: 'string', values: ['y', 'z'] })
    const both = rejoin(batch, after, [1])
    expect([both.topic(0), both.topic(1)]).to.deep.equal(['a', 't'])
    expect([both.timestamp(0), both.timestamp(1)]).to.deep.equal([8n, 2n])
    expect(both.headers(0)).to.deep.equal([header, { key: 'g', value: Buffer.from('y') }])
    expect(both.headers(1)).to.deep.equal([])
    expect(both.sides).to.deep.equal(batch.sides)
  })
})

describe('what is wrong between transforms and predicates', () => {
  const CONFIG = { transforms: 'a', predicates: 'p,q' }

  it('is a predicate that nothing defines, or negate without one', () => {
    const path = 'transforms.a.predicate'
    expect(conditionProblems({ ...CONFIG, [path]: 'p' })).to.deep.equal([])
    expect(conditionProblems({ ...CONFIG, [path]: 'r' })).to.deep.equal([
      {
        path,
        message: `Invalid value r for configuration ${path}: "predicates" does not name it; they are p, q.`,
      },
    ])
    const negate = 'transforms.a.negate'
    expect(conditionProblems({ ...CONFIG, [negate]: 'true' })).to.deep.equal([
      {
        path: 'transforms.a.type',
        message: `Config '${negate}' was provided but there is no config '${path}' defining a predicate to be negated.`,
      },
    ])
  })

  it('is perhaps a predicate that no transform names', () => {
    expect(unusedPredicates({ ...CONFIG, 'transforms.a.predicate': 'p' })).to.deep.equal(['q'])
    expect(unusedPredicates({ transforms: 'a' })).to.deep.equal([])
  })
})
