import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { datagenSource } from '../../../connectors/datagen/datagen-source.ts'
import { toColumn } from '../../../src/inference/probe.ts'
import { ModelStore } from '../../../src/inference/store/model-store.ts'
import { originOf } from '../../../src/converters/avro/to-connect.ts'
import type { Struct } from '../../../src/index.ts'
import { codeBlock } from '../../support/pages.ts'
import { REPOSITORY } from '../../support/process.ts'
import { planOf, recordsOf } from './support.ts'

const models = new ModelStore({ modelsDir: path.join(REPOSITORY, 'models'), allowedDirs: [] })

async function quickstart(name: string) {
  return planOf(await readFile(path.join(REPOSITORY, `schemas/datagen/${name}.avsc`), 'utf8'))
}

/** What a model says of records. */
async function predictions(name: string, records: readonly Struct[]): Promise<readonly unknown[]> {
  const model = await models.load(name)
  const columns = model.inputs.map((input) => {
    expect(records[0], `${name} reads ${input.name}`).to.have.property(input.name)
    return toColumn(
      input,
      records.map((record) => record[input.name] as string | number | null),
    )
  })
  const { prediction } = await model.score(columns, records.length)
  return Array.from(records, (_, row) =>
    prediction.type === 'category' ? prediction.domain[prediction.levels[row] ?? -1] : prediction.values[row],
  )
}

describe('the quickstarts of Datagen', () => {
  it('flights: have the schema of schemas/flight.avsc, and the model finds some of them late', async () => {
    const plan = await quickstart('flights')
    const plain = await readFile(path.join(REPOSITORY, 'schemas/flight.avsc'), 'utf8')
    expect(originOf(plan.schema)?.json).to.deep.equal(JSON.parse(plain))
    const labels = await predictions('airline-delay', recordsOf(plan, 1000))
    for (const label of ['YES', 'NO'])
      expect(labels.filter((each) => each === label).length, label).to.be.above(100)
  })

  it('sensors: one reading in fifty is an anomaly to the model', async () => {
    const scores = (await predictions(
      'shuttle-anomaly',
      recordsOf(await quickstart('sensors'), 5000),
    )) as number[]
    expect(scores.filter((score) => score > 3.5615958788584785e-5).length).to.be.within(50, 170)
  })

  it('iris: are of all three kinds to the model', async () => {
    const labels = await predictions('iris-dl4j', recordsOf(await quickstart('iris'), 1000))
    expect(new Set(labels)).to.deep.equal(new Set(['setosa', 'versicolor', 'virginica']))
  })
})

describe('the schema on the page about Datagen', () => {
  const order = codeBlock('docs/datagen.md', '{\n  "type": "record"')
  const connector = JSON.parse(codeBlock('docs/datagen.md', '{\n  "name": "orders"')) as {
    config: Record<string, string>
  }

  it('makes what the page says', () => {
    const [first, second] = recordsOf(planOf(order), 2)
    expect(first).to.include({ id: 1n })
    expect(second).to.include({ id: 2n })
    expect(second?.['ordered']).to.deep.equal(new Date('2026-01-01T00:00:00.250Z'))
    for (const { customer, country, price, coupon, items } of recordsOf(planOf(order), 500)) {
      expect(customer).to.match(/^C-\d{4}$/)
      expect(country).to.be.oneOf(['DE', 'FR', 'IT'])
      expect(String(Number(price))).to.match(/^\d{1,2}(\.\d{1,2})?$/)
      if (coupon !== null) expect(coupon).to.match(/^SAVE-[A-Z]{3,5}$/)
      expect(items).to.have.length.within(1, 3)
    }
  })

  it('is taken by the connector there', () => {
    const { 'schema.filename': file, ...config } = connector.config
    expect(file).to.equal('order.avsc')
    const raw = { ...config, 'schema.string': order }
    const { values, problems } = datagenSource.config.parse(raw)
    expect(problems).to.deep.equal([])
    expect(datagenSource.validate?.(values, raw)).to.deep.equal([])
  })
})
