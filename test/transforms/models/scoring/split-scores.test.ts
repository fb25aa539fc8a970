import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import path from 'node:path'
import type { ModelColumn, Scores } from '../../../../src/index.ts'
import { ModelStore } from '../../../../src/inference/store/model-store.ts'
import { gather, rowsOf, scatter } from '../../../../transforms/models/scoring/split-scores.ts'
import { FIXTURES } from '../../../support/model-fixtures.ts'

const models = new ModelStore({
  modelsDir: path.resolve(import.meta.dirname, '../../../../models'),
  allowedDirs: [FIXTURES],
})

/** Which of three models scores each of some rows. */
const choices = fc.array(fc.nat(2), { minLength: 1, maxLength: 80 }).map((chosen) => Int32Array.from(chosen))

/** What scoring all rows with every model, and then taking each row from its own, would give. */
function merged(all: readonly Scores[], chosen: Int32Array): Scores {
  const first = all[0]!
  const numbers = (of: (scores: Scores) => Float64Array) =>
    Float64Array.from(chosen, (at, row) => of(all[at]!)[row]!)
  const outputs = first.outputs.map((_, k) => ({
    type: 'float64' as const,
    values: numbers((scores) => scores.outputs[k]!.values),
    present: Uint8Array.from(chosen, (at, row) => all[at]!.outputs[k]!.present[row]!),
  }))
  const { prediction } = first
  if (prediction.type === 'category') {
    const levels = Int32Array.from(chosen, (at, row) => {
      const own = all[at]!.prediction
      return own.type === 'category' ? own.levels[row]! : NaN
    })
    return { prediction: { ...prediction, levels }, outputs }
  }
  const own = (scores: Scores) => scores.prediction as typeof prediction
  const values = numbers((scores) => own(scores).values)
  const present = Uint8Array.from(chosen, (at, row) => own(all[at]!).present[row]!)
  return { prediction: { type: 'float64', values, present }, outputs }
}

/** Sessions of onnxruntime round the last bit of a float by how many rows they are given. */
function expectNear(found: Scores, wanted: Scores): void {
  found.outputs.forEach(({ values }, k) => {
    values.forEach((value, row) => {
      expect(Math.abs(value - wanted.outputs[k]!.values[row]!) > 1e-6).to.equal(false)
    })
  })
}

/** The same numbers, bit by bit: NaNs and zeros too. */
function expectSame(found: Scores, wanted: Scores): void {
  const bits = ({ prediction, outputs }: Scores) =>
    [prediction, ...outputs].map((column) =>
      column.type === 'category'
        ? [column.domain, [...column.levels]]
        : [[...new BigUint64Array(column.values.slice().buffer)], [...column.present]],
    )
  expect(bits(found)).to.deep.equal(bits(wanted))
}

describe('scores of a split', () => {
  for (const [name, expectEqual] of [
    ['airline-delay', expectSame],
    ['airline-delay-dl', expectSame],
    ['shuttle-anomaly', expectSame],
    ['iris-dl4j', expectSame],
    ['gaussian/model.zip', expectSame],
    ['iris-onnx', expectNear],
  ] as const) {
    it(`of ${name} are those of whole batches`, async () => {
      const model = await models.load(name)
      const seeds = fc.array(fc.double({ min: -5, max: 120, noNaN: false }), { minLength: 80, maxLength: 80 })
      await fc.assert(
        fc.asyncProperty(choices, seeds, async (chosen, seed) => {
          const length = chosen.length
          const columns = model.inputs.map((input, k): ModelColumn => {
            const at = (row: number) => seed[(row * 7 + k * 13) % seed.length]!
            if (input.domain !== undefined) {
              const levels = Int32Array.from(
                { length },
                (_, row) => (Math.abs(Math.trunc(at(row)) || 0) % 9) - 2,
              )
              return { type: 'category', domain: input.domain, levels }
            }
            const values = Float64Array.from({ length }, (_, row) => at(row))
            return {
              type: 'float64',
              values,
              present: Uint8Array.from(values, (each) => Number(!Number.isNaN(each))),
            }
          })
          const whole = await model.score(columns, length)
          const parts = await Promise.all(
            rowsOf(chosen, 3).map(async (rows) => ({
              rows,
              scores: await model.score(
                columns.map((column) => gather(column, rows)),
                rows.length,
              ),
            })),
          )
          expectEqual(scatter(parts, length), merged([whole, whole, whole], chosen))
        }),
        { numRuns: 25 },
      )
    })
  }

  it('take each row from the model that was chosen for it', () => {
    const given = fc.array(fc.double(), { minLength: 80, maxLength: 80 })
    fc.assert(
      fc.property(choices, fc.tuple(given, given, given), (chosen, numbers) => {
        const all = numbers.map((values): Scores => {
          const column = {
            type: 'float64' as const,
            values: Float64Array.from(values.slice(0, chosen.length)),
            present: Uint8Array.from(values.slice(0, chosen.length), (each) => Number(each > 0)),
          }
          return {
            prediction: column,
            outputs: [column, { ...column, values: column.values.map((each) => -each) }],
          }
        })
        const parts = rowsOf(chosen, 3).map((rows, at) => {
          const own = (column: ModelColumn) => gather(column, rows) as Scores['outputs'][number]
          return {
            rows,
            scores: { prediction: own(all[at]!.outputs[0]!), outputs: all[at]!.outputs.map(own) },
          }
        })
        expectSame(scatter(parts, chosen.length), merged(all, chosen))
      }),
    )
  })
})

describe('the rows of a column', () => {
  it('are gathered from every kind of column', () => {
    const rows = Int32Array.of(3, 0)
    expect(gather({ type: 'string', values: ['a', null, 'c', null] }, rows)).to.deep.equal({
      type: 'string',
      values: [null, 'a'],
    })
    expect(gather({ type: 'value', values: [1n, null, true, 'd'] }, rows)).to.deep.equal({
      type: 'value',
      values: ['d', 1n],
    })
    const tensor = {
      type: 'tensor',
      datatype: 'UINT8',
      shape: [2, 1],
      data: Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7),
    } as const
    expect(gather(tensor, rows)).to.deep.equal({ ...tensor, data: Uint8Array.of(6, 7, 0, 1) })
  })

  it('are all of them, each once and in order', () => {
    fc.assert(
      fc.property(choices, (chosen) => {
        const rows = rowsOf(chosen, 3)
        rows.forEach((own, at) => {
          expect([...own]).to.deep.equal([...chosen.keys()].filter((row) => chosen[row] === at))
        })
      }),
    )
  })

  it('of a model that was chosen for none are none', () => {
    expect(rowsOf(Int32Array.of(1, 1), 3).map((rows) => rows.length)).to.deep.equal([0, 2, 0])
  })
})
