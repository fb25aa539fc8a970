import { expect } from 'chai'
import { describe, it } from 'mocha'
import path from 'node:path'
import {
  ConfigError,
  type ExampleRecord,
  ModelError,
  OPTIONAL_FLOAT64,
  SILENT,
  struct,
  type Value,
} from '../../../src/index.ts'
import { ModelStore } from '../../../src/inference/store/model-store.ts'
import { detectAnomaly } from '../../../transforms/models/detect-anomaly.ts'
import { batchOf } from '../../support/example-batch.ts'
import { FIXTURES, readTable } from '../../support/model-fixtures.ts'

const MODELS = path.resolve(import.meta.dirname, '../../../models')
const models = new ModelStore({ modelsDir: MODELS, allowedDirs: [FIXTURES] })

async function apply(config: Record<string, string>, records: readonly ExampleRecord[]) {
  const values = detectAnomaly.config.read(config)
  return (await detectAnomaly.open(values, { side: 'value', models, log: SILENT })).apply(batchOf(records))
}

async function rejection(config: Record<string, string>): Promise<Error> {
  return apply(config, []).then(
    () => expect.fail('it was opened'),
    (error: unknown) => error as Error,
  )
}

function recordsOf(header: readonly string[], rows: readonly (readonly string[])[]): ExampleRecord[] {
  const valueSchema = {
    type: 'STRUCT' as const,
    optional: false,
    name: 'Readings',
    fields: header.map((name) => ({ name, schema: OPTIONAL_FLOAT64 })),
  }
  return rows.map((row) => ({
    valueSchema,
    value: struct(Object.fromEntries(header.map((name, i) => [name, Number(row[i])]))),
  }))
}

describe('DetectAnomaly', () => {
  it('finds nearly all anomalies of the shuttle, in readings that the model was not trained on', async () => {
    const { header, rows } = readTable(path.join(MODELS, 'shuttle-anomaly/readings.csv.gz'))
    const batch = await apply({ model: 'shuttle-anomaly' }, recordsOf(header, rows))
    const flags = rows.map((row, i) => {
      const value = batch.record(i).value as Record<string, Value>
      return { isUnusual: row.at(-1) === '1', isFlagged: value['is_anomaly'] === true }
    })
    const share = (isUnusual: boolean) => {
      const of = flags.filter((each) => each.isUnusual === isUnusual)
      return of.filter((each) => each.isFlagged).length / of.length
    }
    expect(share(true)).to.be.greaterThan(0.98)
    expect(share(false)).to.be.lessThan(0.02)
  })

  it('takes the threshold that an isolation forest was trained with, or the configured one', async () => {
    const forest = await models.load('isolation-forest-flag/model.zip')
    expect(forest.threshold).to.be.greaterThan(0)
    const { header, rows } = readTable(path.join(FIXTURES, 'isolation-forest-flag/input.csv.gz'))
    const number = rows
      .slice(0, 9)
      .map((row) => row.map((cell, i) => (['UniqueCarrier', 'Origin'].includes(header[i]!) ? '' : cell)))
    const records = recordsOf(header, number).map(({ valueSchema, value }) => ({
      valueSchema: valueSchema!,
      value: struct({ ...(value as object), UniqueCarrier: null, Origin: null }),
    }))
    for (const config of [{}, { threshold: '0.05' }, { threshold: '-1' }] as Record<string, string>[]) {
      const batch = await apply({ model: 'isolation-forest-flag/model.zip', ...config }, records)
      records.forEach((_, row) => {
        const value = batch.record(row).value as Record<string, Value>
        const limit = Number(config['threshold'] ?? forest.threshold)
        expect(value['is_anomaly']).to.equal(Number(value['anomaly_score']) > limit)
      })
    }
  })

  it('needs a threshold from somewhere', async () => {
    const error = await rejection({ model: 'autoencoder/model.zip' })
    expect(error).to.be.instanceOf(ConfigError)
    expect(error.message).to.include('threshold')
    expect(detectAnomaly.config.parse({ model: 'm', threshold: 'Infinity' }).problems).to.have.length(1)
  })

  it('refuses a model that says nothing of anomalies', async () => {
    const error = await rejection({ model: 'airline-delay', threshold: '1' })
    expect(error).to.be.instanceOf(ModelError)
    expect(error.message).to.include('classification')
  })
})
