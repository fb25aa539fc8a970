import { expect } from 'chai'
import fc from 'fast-check'
import { after, before, describe, it } from 'mocha'
import path from 'node:path'
import { avroConverter } from '../../../../src/converters/avro/plugin.ts'
import { type Model, type Models, SILENT } from '../../../../src/index.ts'
import { ModelStore } from '../../../../src/inference/store/model-store.ts'
import { Batch } from '../../../../src/runtime/records/batch.ts'
import { RowStates } from '../../../../src/runtime/records/row-states.ts'
import { scoreH2oGbm } from '../../../../transforms/models/score-h2o-gbm.ts'
import { allRows, bytesOf, openConverter, RegistryStandIn, slicesOf } from '../../../converters/support.ts'
import { batchOf } from '../../../support/example-batch.ts'
import { classifier, numeric, yesOrNo } from '../../../support/fake-models.ts'
import { encodeFlight, flightSchema, heldOutFlights } from '../../../support/flights.ts'

const store = new ModelStore({
  modelsDir: path.resolve(import.meta.dirname, '../../../../models'),
  allowedDirs: [],
})

const SHADOWS: readonly Model[] = [
  classifier('lacks', { inputs: [numeric('nowhere')] }),
  classifier('mistyped', { inputs: [numeric('TailNum')] }),
  classifier('rejects', { inputs: [numeric('Year')], score: () => Promise.reject(new Error('broken')) }),
  classifier('nan', { score: (_, length) => yesOrNo(new Float64Array(length).fill(NaN), ['NO', 'YES']) }),
  classifier('tensor', {
    inputs: [{ name: 'Origin', type: 'tensor', datatype: 'FP32', shape: [2], required: true }],
  }),
]

const models: Models = {
  load: async (name) => SHADOWS.find((each) => each.name === name) ?? store.load(name),
}

describe('shadow models beside a GBM on Avro records', () => {
  const flights = heldOutFlights(40)
  let registry: RegistryStandIn
  before(async () => {
    registry = await RegistryStandIn.start()
  })
  after(() => registry.stop())

  /** What is written, and why rows fail; another transform reads a column afterwards. */
  async function outputOf(values: readonly (Buffer | null)[], shadows: readonly string[]) {
    const converter = openConverter(avroConverter, { 'schema.registry.url': registry.url })
    const { origin, sides, changes } = batchOf(values.map(() => ({})))
    const states = new RowStates(values.length)
    const value = await converter.decode('t', slicesOf(values), (row, error) => states.fail(row, error))
    const config = { model: 'airline-delay', shadow: shadows.join(',') }
    const transform = await scoreH2oGbm.open(
      scoreH2oGbm.config.read(shadows.length === 0 ? { ...config, shadow: undefined } : config),
      { side: 'value', models, log: SILENT },
    )
    const batch = (await transform.apply(new Batch(origin, states, { ...sides, value }, changes))) as unknown
    if (!(batch instanceof Batch)) throw new Error('another batch came out')
    const { values: tails } = batch.column('value', 'TailNum', 'string')
    const live = allRows(values.length).filter((row) => batch.isLive(row))
    const fail = (row: number): void => expect.fail(`row ${row} cannot be written`)
    const encoded = await converter.encode('out', batch.sides.value, live, fail)
    return {
      tails,
      bytes: bytesOf(encoded, live).map((bytes) => bytes?.toString('hex')),
      failures: states.failures().map(({ row, error }) => [row, error.code, error.message]),
      headers: Array.from(live, (row) => batch.headers(row).map((header) => String(header.value))),
    }
  }

  it('change no byte, whatever they cannot do and whichever records are broken', async () => {
    const id = registry.add(flightSchema, { subject: 't-value' })
    const encoded = flights.map(({ flight }) => encodeFlight(flight, id))
    const rows = fc.array(fc.tuple(fc.nat(39), fc.constantFrom('good', 'good', 'cut', 'none')), {
      maxLength: 30,
    })
    const names = fc.subarray([...SHADOWS.map(({ name }) => name), 'airline-delay-dl'], { minLength: 1 })
    await fc.assert(
      fc.asyncProperty(rows, names, async (chosen, shadows) => {
        const values = chosen.map(([at, kind]) => {
          const whole = encoded[at]!
          if (kind === 'none') return null
          return kind === 'cut' ? whole.subarray(0, whole.length - 3) : whole
        })
        const alone = await outputOf(values, [])
        expect(alone.failures).to.have.length(chosen.filter(([, kind]) => kind === 'cut').length)
        expect(await outputOf(values, shadows)).to.deep.equal(alone)
      }),
      { numRuns: 30 },
    )
  })
})
