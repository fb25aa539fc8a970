import { expect } from 'chai'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'mocha'
import { type RecordBatch, type Schema, SILENT, struct, type Value } from '../../src/index.ts'
import { scoreFile } from '../../src/cli/score-csv.ts'
import { encodeGraph } from '../../src/inference/engines/onnx-graph.ts'
import { ModelStore } from '../../src/inference/store/model-store.ts'
import { runProbes } from '../../src/inference/probe.ts'
import { scoreOnnx } from '../../transforms/score-onnx.ts'
import { batchOf } from '../support/example-batch.ts'

const ADDED = [2n ** 53n, 0n, -(2n ** 63n) + 1n]
const GRAPH = encodeGraph({
  inputs: [{ name: 'X', type: 'INT64', shape: ['n', 3] }],
  outputs: [{ name: 'Y', type: 'INT64', shape: ['n', 3] }],
  tensors: [{ name: 'c', dims: [3], data: BigInt64Array.from(ADDED) }],
  nodes: [{ op: 'Add', inputs: ['X', 'c'], outputs: ['Y'] }],
})
const BEYOND = 2n ** 53n + 1n
const NAMES = ['f0', 'f1', 'f2'] as const

function recordOf(values: readonly (bigint | number | null)[], type: Schema['type'] = 'INT64') {
  const fields = NAMES.map((name) => ({ name, schema: { type, optional: true } }))
  const valueSchema: Schema = { type: 'STRUCT', optional: false, fields }
  return { valueSchema, value: struct(Object.fromEntries(NAMES.map((name, i) => [name, values[i] ?? null]))) }
}

describe('whole numbers of a graph', () => {
  let folder = ''
  let model = ''
  let store: ModelStore
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'integers-'))
    model = path.join(folder, 'm.onnx')
    await writeFile(model, GRAPH)
    store = new ModelStore({ modelsDir: folder, allowedDirs: [folder], log: SILENT })
  })
  after(() => rm(folder, { recursive: true }))

  async function score(...records: Parameters<typeof batchOf>[0]): Promise<RecordBatch> {
    const context = { side: 'value', models: store, log: SILENT } as const
    const transform = await scoreOnnx.open(scoreOnnx.config.read({ model }), context)
    return transform.apply(batchOf(records))
  }
  const scoresOf = (batch: RecordBatch, row: number) => {
    const value = batch.value('value', row) as Readonly<Record<string, Value>>
    return ['Y0', 'Y1', 'Y2'].map((name) => value[name])
  }

  it('are longs to the last digit, in and out', async () => {
    const batch = await score(recordOf([1n, 2n, 3n]), recordOf([-4n, 5n, BEYOND]))
    expect(scoresOf(batch, 0)).to.deep.equal([9007199254740993n, 2n, -9223372036854775804n])
    expect(scoresOf(batch, 1)).to.deep.equal([9007199254740988n, 5n, -9214364837600034814n])
    const fields = batch.schema('value', 0)?.fields ?? []
    expect(fields.filter(({ name }) => name.startsWith('Y')).map(({ schema }) => schema.type)).to.deep.equal([
      'INT64',
      'INT64',
      'INT64',
    ])
  })

  it('that a record does not hold are named, each with its own reason', async () => {
    const rows = [
      [1, 2.5, 3],
      [1, Infinity, 3],
      [1, 2, 2 ** 63],
      [1, null, 3],
    ]
    const batch = await score(...rows.map((row) => recordOf(row, 'FLOAT64')))
    const reasons = [
      /: f1 is 2\.5, which is no whole/,
      /: f1 is infinite/,
      /: f2 is 92\d+, .*not fit/,
      /: f1 is missing/,
    ]
    reasons.forEach((reason, row) => expect(batch.failure(row)?.message).to.match(reason))
  })

  it('keep their digits in CSV files, as columns and as results', async () => {
    const input = path.join(folder, 'in.csv')
    const output = path.join(folder, 'out.csv')
    await writeFile(input, `f0,f1,f2\n-4,5,${BEYOND}\n`)
    await scoreFile(await store.open(model), { input, output, warn: () => undefined })
    const [, row] = (await readFile(output, 'utf8')).split('\n')
    expect(row).to.equal('9007199254740988,5,-9214364837600034814')
  })

  it('are compared with probes to the last digit', async () => {
    const { model: loaded } = await store.open(model)
    const probe = (y0: string) =>
      `{"input":{"f0":1,"f1":2,"f2":${BEYOND}},"output":{"Y0":${y0},"Y1":2,"Y2":-9214364837600034814}}`
    const run = (y0: string) => runProbes(loaded, probe(y0), { file: 'p', tolerance: 1e-6 })
    expect((await run('9007199254740993')).probes).to.equal(1)
    const said = await run('9007199254740995').catch((error: unknown) => String(error))
    expect(said).to.match(/Y0 is 9007199254740993 where 9007199254740995 is recorded/)
  })
})
