import { expect } from 'chai'
import fc from 'fast-check'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { after, describe, it } from 'mocha'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { csvCell } from '../../src/cli/csv.ts'
import { scoreFile } from '../../src/cli/score-csv.ts'
import {
  isStruct,
  OPTIONAL_FLOAT64,
  OPTIONAL_STRING,
  type Schema,
  SILENT,
  struct,
  type Value,
} from '../../src/index.ts'
import { type ReadyModel } from '../../src/inference/store/load-model.ts'
import { ModelStore } from '../../src/inference/store/model-store.ts'
import { openModel } from '../../src/cli/open-model.ts'
import { scoreH2o } from '../../transforms/models/score-h2o.ts'
import { batchOf } from '../support/example-batch.ts'
import { FIXTURES } from '../support/model-fixtures.ts'

const MODEL = path.join(FIXTURES, 'calibrated-gbm-platt/model.zip')
const models = new ModelStore({ modelsDir: FIXTURES, allowedDirs: [FIXTURES] })
const folder = mkdtempSync(path.join(tmpdir(), 'sluice-levels-'))
after(() => rmSync(folder, { recursive: true }))

interface Row {
  readonly amount: number | null
  readonly kind: string | null
}

const ROW: Schema = {
  type: 'STRUCT',
  optional: false,
  name: 'Row',
  fields: [
    { name: 'amount', schema: OPTIONAL_FLOAT64 },
    { name: 'age', schema: OPTIONAL_FLOAT64 },
    { name: 'kind', schema: OPTIONAL_STRING },
  ],
}

/** What `sluice models score` writes for rows of a CSV file, as numbers and labels. */
async function scoredAsCsv(ready: ReadyModel, rows: readonly Row[]): Promise<unknown[]> {
  const input = path.join(folder, 'rows.csv')
  const output = path.join(folder, 'scores.csv')
  const lines = rows.map(({ amount, kind }) => `${amount ?? ''},40,${csvCell(kind ?? '')}\n`)
  writeFileSync(input, `amount,age,kind\n${lines.join('')}`)
  await scoreFile(ready, { input, output, warn: () => undefined })
  const [, ...scores] = readFileSync(output, 'utf8').trimEnd().split('\n')
  return scores.map((line) => {
    const [label, ...numbers] = line.split(',')
    return [label, ...numbers.map(Number)]
  })
}

/** The same of records in the stream. */
async function scoredAsRecords(rows: readonly Row[]): Promise<unknown[]> {
  const config = scoreH2o.config.read({ model: MODEL, 'version.field': '' })
  const transform = await scoreH2o.open(config, { side: 'value', models, log: SILENT })
  const records = rows.map(({ amount, kind }) => ({
    valueSchema: ROW,
    value: struct({ amount, age: 40, kind }),
  }))
  const batch = await transform.apply(batchOf(records))
  return rows.map((_, row) => {
    const value: Value = batch.value('value', row)
    if (!isStruct(value)) throw new Error(`row ${row} has no struct`)
    return Object.values(value).slice(3)
  })
}

describe('a row of a CSV file', () => {
  it('has the level that its text is, also where other tables mean a missing value by it', async () => {
    const ready = await openModel(MODEL)
    const { domain = [] } = ready.model.inputs.find(({ name }) => name === 'kind') ?? {}
    expect(domain).to.include.members(['NA', 'N/A', 'null', 'nan', '?', '1', '1.0', '1e3', 'true', 'True'])
    const rows = [...domain, null].map((kind) => ({ amount: 0.5, kind }))
    const scores = await scoredAsCsv(ready, rows)
    expect(scores).to.deep.equal(await scoredAsRecords(rows))
    expect(scores[domain.indexOf('NA')]).not.to.deep.equal(scores[domain.length])
  })

  it('scores as the same record in the stream does, whatever its texts are', async () => {
    const ready = await openModel(MODEL)
    const { domain = [] } = ready.model.inputs.find(({ name }) => name === 'kind') ?? {}
    const stranger = fc.string({ unit: fc.constantFrom('N', 'A', '1', '.', ' ', '"', ',', '\n', 'é') })
    const kind = fc.oneof(
      fc.constantFrom(...domain, ...domain.map((level) => ` ${level} `)),
      stranger,
      fc.constant(null),
    )
    const amount = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(null))
    const row = fc.record({ amount, kind })
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), async (rows) => {
        expect(await scoredAsCsv(ready, rows)).to.deep.equal(await scoredAsRecords(rows))
      }),
      { numRuns: 60 },
    )
  })

  it('has no number where a cell of a number is NA or blank', async () => {
    const ready = await openModel(MODEL)
    const [missing] = await scoredAsCsv(ready, [{ amount: null, kind: 'NA' }])
    const input = path.join(folder, 'blank.csv')
    const output = path.join(folder, 'blank-scores.csv')
    writeFileSync(input, 'amount,age,kind\nNA,40,NA\n NA ,40,NA\n  ,40,NA\nnan,40,NA\n')
    await scoreFile(ready, { input, output, warn: () => undefined })
    const [, ...lines] = readFileSync(output, 'utf8').trimEnd().split('\n')
    expect(lines).to.have.length(4)
    for (const line of lines) expect(line.split(',')[0]).to.equal((missing as unknown[])[0])
    expect(new Set(lines).size).to.equal(1)
  })
})
