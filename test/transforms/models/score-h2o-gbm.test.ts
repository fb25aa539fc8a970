import { expect } from 'chai'
import { describe, it } from 'mocha'
import path from 'node:path'
import {
  ConfigError,
  type ConnectError,
  type ExampleRecord,
  type Model,
  ModelError,
  type Models,
  OPTIONAL_FLOAT64,
  OPTIONAL_STRING,
  type Schema,
  SILENT,
  struct,
  type Value,
} from '../../../src/index.ts'
import { ModelStore } from '../../../src/inference/store/model-store.ts'
import { scoreH2oGbm } from '../../../transforms/models/score-h2o-gbm.ts'
import { batchOf } from '../../support/example-batch.ts'
import { FIXTURES, readTable } from '../../support/model-fixtures.ts'

const store = new ModelStore({
  modelsDir: path.resolve(import.meta.dirname, '../../../models'),
  allowedDirs: [FIXTURES],
})

async function open(config: Record<string, string>, models: Models = store, side: 'key' | 'value' = 'value') {
  return scoreH2oGbm.open(scoreH2oGbm.config.read(config), { side, models, log: SILENT })
}

async function apply(
  config: Record<string, string>,
  records: readonly ExampleRecord[],
  side?: 'key' | 'value',
) {
  const transform = await open(config, store, side)
  return transform.apply(batchOf(records))
}

async function rejection(promise: Promise<unknown>): Promise<ConnectError> {
  return promise.then(
    () => expect.fail('it was opened'),
    (error: unknown) => error as ConnectError,
  )
}

/** A schema of optional fields for the columns of a model. */
async function schemaOf(model: string, rename: (name: string) => string = (name) => name): Promise<Schema> {
  const { inputs } = await store.load(model)
  const fields = inputs.map(({ name, type }) => ({
    name: rename(name),
    schema: type === 'numeric' ? OPTIONAL_FLOAT64 : OPTIONAL_STRING,
  }))
  return { type: 'STRUCT', optional: false, name: 'Row', fields }
}

/** A fixture's rows as records. */
async function recordsOf(model: string, rename?: (name: string) => string): Promise<ExampleRecord[]> {
  const valueSchema = await schemaOf(`${model}/model.zip`, rename)
  const { header, rows } = readTable(path.join(FIXTURES, model, 'input.csv.gz'))
  const toValue = (field: { schema: Schema }, cell: string): Value =>
    cell === '' ? null : field.schema.type === 'STRING' ? cell : Number(cell)
  return rows.map((row) => ({
    valueSchema,
    value: struct(
      Object.fromEntries(
        (valueSchema.fields ?? []).map((field, i) => [field.name, toValue(field, row[i] ?? header[i]!)]),
      ),
    ),
  }))
}

function valueOf(batch: Awaited<ReturnType<typeof apply>>, row: number): Record<string, Value> {
  return batch.record(row).value as Record<string, Value>
}

describe('ScoreH2OGbm', () => {
  it('adds the label, the probabilities and the version, as h2o-genmodel has them', async () => {
    const records = await recordsOf('binomial-na')
    const batch = await apply({ model: 'binomial-na/model.zip' }, records)
    const { rows } = readTable(path.join(FIXTURES, 'binomial-na/expected.csv.gz'))
    rows.forEach(([label, late, onTime], row) => {
      const value = valueOf(batch, row)
      expect(value['prediction']).to.equal(label)
      expect(value['p_late____0_min_']).to.be.closeTo(Number(late), 1e-12)
      expect(value['p_on_time']).to.be.closeTo(Number(onTime), 1e-12)
      expect(value['model_version']).to.equal('1')
    })
  })

  it('adds nullable fields with default null at the end, so that a later model stays compatible', async () => {
    const records = await recordsOf('binomial-na')
    const batch = await apply({ model: 'binomial-na/model.zip', prefix: 'gbm_' }, records.slice(0, 1))
    const fields = batch.record(0).valueSchema?.fields ?? []
    expect(fields.slice(-4)).to.deep.equal([
      { name: 'gbm_prediction', schema: OPTIONAL_STRING },
      { name: 'gbm_p_late____0_min_', schema: OPTIONAL_FLOAT64 },
      { name: 'gbm_p_on_time', schema: OPTIONAL_FLOAT64 },
      { name: 'gbm_model_version', schema: OPTIONAL_STRING },
    ])
  })

  it('predicts a number where the model is a regression', async () => {
    const records = await recordsOf('poisson')
    const batch = await apply({ model: 'poisson/model.zip' }, records)
    const { rows } = readTable(path.join(FIXTURES, 'poisson/expected.csv.gz'))
    rows.forEach(([predict], row) =>
      expect(valueOf(batch, row)['prediction']).to.be.closeTo(Number(predict), 1e-12),
    )
    const fields = batch.record(0).valueSchema?.fields ?? []
    expect(fields.slice(-2).map((field) => field.name)).to.deep.equal(['prediction', 'model_version'])
    expect(fields.at(-2)?.schema).to.deep.equal(OPTIONAL_FLOAT64)
  })

  it('reads fields of other names where they are configured', async () => {
    const named = await recordsOf('binomial-na')
    const renamed = await recordsOf('binomial-na', (name) => (name === 'Origin' ? 'from: airport' : name))
    const model = 'binomial-na/model.zip'
    const [plain, mapped] = await Promise.all([
      apply({ model }, named),
      apply({ model, fields: 'Origin:from: airport' }, renamed),
    ])
    named.forEach((_, row) =>
      expect(valueOf(mapped, row)['p_on_time']).to.equal(valueOf(plain, row)['p_on_time']),
    )
  })

  it('scores keys too', async () => {
    const [record] = await recordsOf('binomial-na')
    const keyed = { keySchema: record!.valueSchema ?? null, key: record!.value ?? null, value: null }
    const batch = await apply({ model: 'binomial-na/model.zip' }, [keyed], 'key')
    expect(batch.record(0).key).to.have.property('prediction')
    expect(batch.record(0).value).to.equal(null)
  })

  it('lets tombstones pass, and scores the records beside them', async () => {
    const [record] = await recordsOf('binomial-na')
    const batch = await apply({ model: 'binomial-na/model.zip' }, [{ value: null }, record!, { value: null }])
    expect([0, 1, 2].map((row) => batch.failure(row))).to.deep.equal([undefined, undefined, undefined])
    expect(batch.isNull('value', 0) && batch.isNull('value', 2)).to.equal(true)
    expect(valueOf(batch, 1)).to.have.property('prediction')
  })

  it('fails a record alone: one that lacks a field, has a wrong type in one, or has the result already', async () => {
    const [record] = await recordsOf('binomial-na')
    const { fields = [] } = record!.valueSchema ?? {}
    const schema = (changed: typeof fields): Schema => ({
      type: 'STRUCT',
      optional: false,
      name: 'Row',
      fields: changed,
    })
    const value = record!.value as Record<string, Value>
    const records: ExampleRecord[] = [
      { valueSchema: schema(fields.filter((field) => field.name !== 'Dest')), value: struct({ ...value }) },
      {
        valueSchema: schema(
          fields.map((field) => (field.name === 'Month' ? { ...field, schema: OPTIONAL_STRING } : field)),
        ),
        value: struct({ ...value, Month: 'June' }),
      },
      {
        valueSchema: schema([...fields, { name: 'p_on_time', schema: OPTIONAL_FLOAT64 }]),
        value: struct({ ...value, p_on_time: 1 }),
      },
      record!,
    ]
    const batch = await apply({ model: 'binomial-na/model.zip' }, records)
    expect(records.map((_, row) => batch.failure(row)?.code)).to.deep.equal([
      'record.field',
      'record.field',
      'record.field',
      undefined,
    ])
    expect(batch.length).to.equal(records.length)
  })

  it('leaves rows alone that are no records any more', async () => {
    const [record] = await recordsOf('binomial-na')
    const transform = await open({ model: 'binomial-na/model.zip' })
    const batch = batchOf([record!, record!])
    batch.drop(0)
    const result = await transform.apply(batch)
    expect([result.isLive(0), result.isLive(1)]).to.deep.equal([false, true])
    expect(valueOf(result, 1)).to.have.property('prediction')
  })

  it('fails a record whose offset is missing, and not the others', async () => {
    const records = (await recordsOf('binomial-offset')).slice(0, 2)
    const first = {
      ...records[0]!,
      value: struct({ ...(records[0]!.value as Record<string, Value>), Shift: null }),
    }
    const batch = await apply({ model: 'binomial-offset/model.zip' }, [first, records[1]!, { value: null }])
    expect([0, 1, 2].map((row) => batch.failure(row)?.code)).to.deep.equal([
      'record.value',
      undefined,
      undefined,
    ])
  })

  it('takes an empty batch', async () => {
    expect((await apply({ model: 'airline-delay' }, [])).length).to.equal(0)
  })
})

describe('the configuration of ScoreH2OGbm', () => {
  it('needs a model that exists', async () => {
    expect(scoreH2oGbm.config.parse({}).problems.map((problem) => problem.path)).to.deep.equal(['model'])
    expect((await rejection(open({ model: 'nope' }))).code).to.equal('model.missing')
    expect((await rejection(open({ model: '../../etc/passwd' }))).code).to.equal('model.missing')
  })

  it('takes only prefixes that Avro takes', () => {
    for (const prefix of ['1', 'a-b', 'é', 'a b']) {
      expect(scoreH2oGbm.config.parse({ model: 'm', prefix }).problems, prefix).to.have.length(1)
    }
    expect(scoreH2oGbm.config.parse({ model: 'm', prefix: '_a1' }).problems).to.deep.equal([])
  })

  it('names columns of the model only', async () => {
    const error = await rejection(open({ model: 'airline-delay', fields: 'Origin:from,Orign:to' }))
    expect(error).to.be.instanceOf(ConfigError)
    expect(error.message).to.include('no column Orign').and.to.include('Origin')
    expect(scoreH2oGbm.config.parse({ model: 'm', fields: 'Origin,Dest:to' }).problems).to.have.length(1)
  })

  it('refuses two classes that would become one field', async () => {
    const names = ['a-b', 'a_b']
    const model = { ...(await store.load('airline-delay')), labels: names, outputs: names }
    const error = await rejection(open({ model: 'm' }, { load: async () => Promise.resolve(model) }))
    expect(error).to.be.instanceOf(ConfigError)
    expect(error.message).to.include('a-b and a_b').and.to.include('p_a_b')
  })

  it('refuses a model of another kind', async () => {
    const model: Model = { ...(await store.load('airline-delay')), algorithm: 'drf' }
    const error = await rejection(open({ model: 'm' }, { load: async () => Promise.resolve(model) }))
    expect(error).to.be.instanceOf(ModelError)
    expect(error.message).to.include('not an H2O GBM but drf')
  })
})
