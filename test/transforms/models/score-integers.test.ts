import { expect } from 'chai'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'mocha'
import { avroConverter } from '../../../src/converters/avro/plugin.ts'
import {
  type Field,
  LOGICAL,
  type RecordBatch,
  type Schema,
  SILENT,
  struct,
  type Value,
} from '../../../src/index.ts'
import { Batch } from '../../../src/runtime/records/batch.ts'
import { RowStates } from '../../../src/runtime/records/row-states.ts'
import { scoreH2oGbm } from '../../../transforms/models/score-h2o-gbm.ts'
import { avscType, readBack, record, withHeader } from '../../converters/avro/support.ts'
import { bytesOf, openConverter, RegistryStandIn, slicesOf } from '../../converters/support.ts'
import { classifier, firstOf, modelsOf, yesOrNo } from '../../support/fake-models.ts'
import { writeModel } from '../../support/model-folder.ts'
import { scoreFile } from '../../../src/cli/score-csv.ts'
import { encodeGraph } from '../../../src/inference/engines/onnx-graph.ts'
import { ModelStore } from '../../../src/inference/store/model-store.ts'
import { runProbes } from '../../../src/inference/probe.ts'
import { scoreOnnx } from '../../../transforms/models/score-onnx.ts'
import { batchOf } from '../../support/example-batch.ts'

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

  type Records = Parameters<typeof batchOf>[0]
  const open = (config: Readonly<Record<string, string>>) =>
    scoreOnnx.open(scoreOnnx.config.read(config), { side: 'value', models: store, log: SILENT })
  const scoreWith = async (
    config: Readonly<Record<string, string>>,
    records: Records,
  ): Promise<RecordBatch> => (await open(config)).apply(batchOf(records))
  const score = (...records: Records) => scoreWith({ model }, records)
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

  it('keep their digits where models share the records, and where they are one array', async () => {
    const twice = path.join(folder, 'n.onnx')
    await writeFile(twice, GRAPH)
    const values = [1n, 5n, BEYOND]
    const wanted = [9007199254740993n, 5n, -9214364837600034814n]
    const records = Array.from({ length: 20 }, () => recordOf(values))
    const shared = await scoreWith({ model: `${model}:0.5,${twice}:0.5`, 'model.seed': 'spring' }, records)
    const scorers = new Set(records.map((_, row) => String(shared.headers(row)[0]?.value)))
    expect(scorers.size).to.equal(2)
    records.forEach((_, row) => expect(scoresOf(shared, row)).to.deep.equal(wanted))
    const schema: Schema = { type: 'ARRAY', optional: false, valueSchema: { type: 'INT64', optional: false } }
    const valueSchema: Schema = { type: 'STRUCT', optional: false, fields: [{ name: 'all', schema }] }
    const array = await scoreWith({ model, fields: 'all' }, [{ valueSchema, value: struct({ all: values }) }])
    expect(scoresOf(array, 0)).to.deep.equal(wanted)
  })

  it('keep their digits from Avro bytes to Avro bytes', async () => {
    const registry = await RegistryStandIn.start()
    try {
      const schema = record(Object.fromEntries(NAMES.map((name) => [name, 'long'])))
      const id = registry.add(JSON.stringify(schema), { subject: 't-value' })
      const bytes = withHeader(avscType(schema).toBuffer({ f0: 1n, f1: -BEYOND, f2: BEYOND }), id)
      const converter = openConverter(avroConverter, { 'schema.registry.url': registry.url })
      const { origin, sides, changes } = batchOf([{}])
      const fail = (_: number, error: Error) => expect.fail(error.message)
      const value = await converter.decode('t', slicesOf([bytes]), fail)
      const given = new Batch(origin, new RowStates(1), { ...sides, value }, changes)
      const scored = await (await open({ model })).apply(given)
      if (!(scored instanceof Batch)) return expect.fail('It is no batch.')
      const encoded = await converter.encode('out', scored.sides.value, Int32Array.of(0), fail)
      const [out] = bytesOf(encoded, [0]) as [Buffer]
      const written = JSON.parse(registry.ids.get(out.readInt32BE(1))!.schema) as unknown
      expect(readBack(written, out.subarray(5))).to.deep.include({
        f2: BEYOND,
        Y0: { long: 9007199254740993n },
        Y1: { long: -BEYOND },
        Y2: { long: -9214364837600034814n },
      })
    } finally {
      await registry.stop()
    }
  })

  it('keep their digits behind a manifest that says which field is which number', async () => {
    const columns = ['c', 'a', 'b'].map((field, index) => ({ field, index, fill: 7 }))
    const signature = { inputs: ['a', 'b', 'c'].map((name) => ({ name, type: 'long' })) }
    const place = path.join(folder, 'placed')
    await writeModel(place, { file: 'm.onnx', bytes: GRAPH }, { signature, preprocess: { columns } })
    const fields = ['a', 'b', 'c'].map((name): Field => ({ name, schema: { type: 'INT64', optional: true } }))
    const valueSchema: Schema = { type: 'STRUCT', optional: false, fields }
    const value = struct({ a: null, b: BEYOND, c: 1n })
    const batch = await scoreWith({ model: place }, [{ valueSchema, value }])
    expect(batch.failure(0)?.message).to.equal(undefined)
    expect(scoresOf(batch, 0)).to.deep.equal([9007199254740993n, 7n, -9214364837600034814n])
  })

  it('that are UINT64 are exact as far as INT64 goes, and named beyond', async () => {
    const unsigned = path.join(folder, 'u.onnx')
    const uint = (name: string) => ({ name, type: 'UINT64' as const, shape: ['n', 3] })
    await writeFile(
      unsigned,
      encodeGraph({
        inputs: [uint('X')],
        outputs: [uint('Y')],
        tensors: [],
        nodes: [{ op: 'Identity', inputs: ['X'], outputs: ['Y'] }],
      }),
    )
    const largest = 2n ** 63n - 1n
    const batch = await scoreWith({ model: unsigned }, [
      recordOf([0n, BEYOND, largest]),
      recordOf([1n, -1n, 2n]),
    ])
    expect(scoresOf(batch, 0)).to.deep.equal([0n, BEYOND, largest])
    expect(batch.failure(1)?.message).to.match(/: f1 is -1, which does not fit the graph's uint64/)
    const decimal = (unscaled: bigint) => ({ unscaled, scale: 0 })
    const type = { type: 'BYTES', name: LOGICAL.decimal, optional: false } as const
    const fields = NAMES.map((name) => ({ name, schema: type }))
    const beyond = await scoreWith({ model: unsigned }, [
      {
        valueSchema: { type: 'STRUCT', optional: false, fields },
        value: struct({ f0: decimal(0n), f1: decimal(2n ** 63n), f2: decimal(2n ** 64n) }),
      },
    ])
    expect(beyond.failure(0)?.message).to.match(/: f1 is 922\d+, which does not fit the graph's uint64/)
    const wrapped = path.join(folder, 'w.onnx')
    await writeFile(
      wrapped,
      encodeGraph({
        inputs: [{ name: 'X', type: 'INT64', shape: ['n', 3] }],
        outputs: [uint('Y')],
        tensors: [],
        nodes: [{ op: 'Cast', inputs: ['X'], outputs: ['Y'], attributes: { to: { int: 13 } } }],
      }),
    )
    const out = await scoreWith({ model: wrapped }, [recordOf([1n, 2n, 3n]), recordOf([1n, -1n, 2n])])
    expect(scoresOf(out, 0)).to.deep.equal([1n, 2n, 3n])
    expect(out.failure(1)?.message).to.match(/UINT64 18446744073709551615, which is beyond INT64/)
  })

  it('are doubles to the models of the other formats, as their own engines have them', async () => {
    const given: number[] = []
    const gbm = classifier('gbm', {
      score: (columns) => {
        given.push(...firstOf(columns))
        return yesOrNo(new Float64Array(firstOf(columns).length), ['NO', 'YES'])
      },
    })
    const valueSchema: Schema = {
      ...{ type: 'STRUCT', optional: false },
      fields: [{ name: 'x', schema: { type: 'INT64', optional: false } }],
    }
    const transform = await scoreH2oGbm.open(scoreH2oGbm.config.read({ model: 'gbm' }), {
      ...{ side: 'value', models: modelsOf(gbm), log: SILENT },
    })
    await transform.apply(batchOf([{ valueSchema, value: struct({ x: BEYOND }) }]))
    expect(given).to.deep.equal([2 ** 53])
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
