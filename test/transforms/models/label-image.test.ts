import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import {
  type AllowedImages,
  ConfigError,
  type ConnectError,
  DataError,
  type ExampleRecord,
  ModelError,
  type Models,
  NO_IMAGES,
  OPTIONAL_STRING,
  type Schema,
  SILENT,
  struct,
  type Value,
} from '../../../src/index.ts'
import { labellersWithin } from '../../../src/inference/images/image-labeller.ts'
import { labelImage } from '../../../transforms/models/label-image.ts'
import { picture } from '../../inference/images/pictures.ts'
import { batchOf } from '../../support/example-batch.ts'
import { plain, redness } from '../../support/redness.ts'

const BYTES: Schema = { type: 'BYTES', optional: true }

async function apply(config: Record<string, string>, records: readonly ExampleRecord[], setup: Setup) {
  const { side = 'value', models, images = NO_IMAGES } = setup
  const values = labelImage.config.read({ model: 'redness', ...config })
  const transform = await labelImage.open(values, {
    ...{ side, models, log: SILENT },
    openImageLabeller: labellersWithin(images),
  })
  return transform.apply(batchOf(records))
}
interface Setup {
  readonly side?: 'key' | 'value'
  readonly models: Models
  readonly images?: AllowedImages
}

function labels(...pairs: readonly (readonly [string, number])[]): Value {
  return pairs.map(([label, probability]) => struct({ label, probability }))
}

describe('LabelImage', () => {
  it('makes a struct of a value that is an image: the label, its probability, and the best labels', async () => {
    const records = [
      { valueSchema: BYTES, value: await plain(255) },
      { value: await plain(0) },
      { value: null },
    ]
    const batch = await apply({ 'top.k': '2' }, records, { models: redness() })
    expect(batch.record(0).value).to.deep.equal(
      struct({ label: 'red', probability: 1, labels: labels(['red', 1], ['dark', 0]) }),
    )
    expect(batch.record(1).value).to.deep.equal(
      struct({ label: 'dark', probability: 0.75, labels: labels(['dark', 0.75], ['other', 0.25]) }),
    )
    expect(batch.record(0).valueSchema?.fields?.map(({ name }) => name)).to.deep.equal([
      'label',
      'probability',
      'labels',
    ])
    expect(batch.record(2)).to.include({ value: null, valueSchema: null })
  })

  it('adds fields to a struct that holds an image; where it holds none they are null', async () => {
    const valueSchema: Schema = {
      type: 'STRUCT',
      optional: false,
      name: 'Photo',
      fields: [
        { name: 'id', schema: { type: 'INT32', optional: false } },
        { name: 'photo', schema: BYTES },
      ],
    }
    const photo = await plain(255)
    const records = [photo, null].map((each) => ({ valueSchema, value: struct({ id: 7, photo: each }) }))
    const batch = await apply({ field: 'photo', prefix: 'p_', 'top.k': '1' }, records, { models: redness() })
    expect(batch.record(0).value).to.deep.equal(
      struct({ id: 7, photo, p_label: 'red', p_probability: 1, p_labels: labels(['red', 1]) }),
    )
    expect(batch.record(1).value).to.deep.equal(
      struct({ id: 7, photo: null, p_label: null, p_probability: null, p_labels: null }),
    )
    const added = batch.record(0).valueSchema?.fields?.slice(2) ?? []
    expect(
      added.map(({ name, schema }) => [name, schema.type, schema.optional, schema.default]),
    ).to.deep.equal([
      ['p_label', 'STRING', true, null],
      ['p_probability', 'FLOAT64', true, null],
      ['p_labels', 'ARRAY', true, null],
    ])
  })

  it('labels keys too', async () => {
    const record = { keySchema: BYTES, key: await plain(255), valueSchema: OPTIONAL_STRING, value: 'v' }
    const batch = await apply({ 'top.k': '1' }, [record], { side: 'key', models: redness() })
    expect(batch.record(0).key).to.have.property('label', 'red')
    expect(batch.record(0).value).to.equal('v')
  })

  it('says unknown below the threshold, and still which labels are the best', async () => {
    const records = [{ value: await plain(204) }, { value: await plain(203) }]
    const batch = await apply({ threshold: '0.8', 'top.k': '1' }, records, { models: redness() })
    expect(batch.record(0).value).to.have.property('label', 'red')
    expect(batch.record(1).value).to.have.property('label', 'unknown')
    expect(batch.record(1).value).to.deep.include({
      probability: 203 / 255,
      labels: labels(['red', 203 / 255]),
    })
  })

  it('fails a bad image alone, among as many good ones as there are', async () => {
    const good = await plain(255)
    const truncated = (await picture().jpeg().toBuffer()).subarray(0, 2000)
    const bad = [
      Buffer.from('text'),
      truncated,
      Buffer.alloc(0),
      await picture().gif().toBuffer(),
      '/etc/hostname',
    ]
    const records = Array.from({ length: 40 }, (_, i) => ({ value: i % 8 === 3 ? bad[(i - 3) / 8]! : good }))
    const models = redness()
    const batch = await apply({ 'top.k': '1' }, records, { models })
    records.forEach((_, row) => {
      if (row % 8 === 3) {
        expect(batch.failure(row), `row ${row}`).to.be.instanceOf(DataError)
        expect(batch.failure(row)?.code).to.equal('record.image')
      } else expect(batch.record(row).value, `row ${row}`).to.have.property('label', 'red')
    })
    expect(models.calls.reduce((sum, length) => sum + length, 0)).to.equal(35)
    expect(Math.max(...models.calls)).to.be.at.most(16)
  })

  it('fails what is no image at all: a number, a struct without a field named', async () => {
    const records = [
      { valueSchema: { type: 'INT32', optional: false } as const, value: 7 },
      { value: struct({ a: 1 }) },
    ]
    const batch = await apply({ 'top.k': '1' }, records, { models: redness() })
    expect([0, 1].map((row) => batch.failure(row)?.code)).to.deep.equal(['record.field', 'record.field'])
    const named = await apply({ field: 'b', 'top.k': '1' }, [{ value: struct({ a: 1 }) }], {
      models: redness(),
    })
    expect(named.failure(0)?.code).to.equal('record.field')
  })

  it('leaves rows alone that are no records any more', async () => {
    const transform = await labelImage.open(labelImage.config.read({ model: 'm', 'top.k': '1' }), {
      side: 'value',
      models: redness(),
      log: SILENT,
      openImageLabeller: labellersWithin(NO_IMAGES),
    })
    const good = await plain(255)
    const batch = batchOf([{ value: good }, { value: good }])
    batch.drop(0)
    const result = await transform.apply(batch)
    expect([result.isLive(0), result.isLive(1)]).to.deep.equal([false, true])
    expect(result.record(1).value).to.have.property('label', 'red')
    expect((await transform.apply(batchOf([]))).length).to.equal(0)
  })

  describe('with locations', () => {
    let root = ''
    before(async () => {
      root = await mkdtemp(path.join(tmpdir(), 'sluice-label-'))
      await writeFile(path.join(root, 'a.png'), await plain(255))
    })
    after(() => rm(root, { recursive: true, force: true }))
    let images: AllowedImages
    beforeEach(() => {
      images = { ...NO_IMAGES, dirs: [root] }
    })

    it('reads files below the root only', async () => {
      const records = ['a.png', '../a.png', '/etc/hostname', 'b.png'].map((value) => ({
        valueSchema: OPTIONAL_STRING,
        value,
      }))
      const batch = await apply({ 'file.root': root, 'top.k': '1' }, records, { models: redness(), images })
      expect(batch.record(0).value).to.have.property('label', 'red')
      expect([1, 2, 3].map((row) => batch.failure(row)?.code)).to.deep.equal([
        'record.image',
        'record.image',
        'record.image',
      ])
    })

    it('needs a root that is a folder', async () => {
      for (const wrong of [path.join(root, 'nothing'), path.join(root, 'a.png')]) {
        const opened = apply({ 'file.root': wrong, 'top.k': '1' }, [], { models: redness(), images })
        const error: unknown = await opened.catch((e: unknown) => e)
        expect(error).to.be.instanceOf(ConfigError)
        expect((error as ConnectError).message).to.include(wrong)
      }
    })

    it('reads no files and fetches nothing unless that is allowed', async () => {
      const records = [path.join(root, 'a.png'), 'http://127.0.0.1/a.png'].map((value) => ({ value }))
      const batch = await apply({ 'top.k': '1' }, records, { models: redness() })
      expect(batch.failure(0)?.message).to.include('file.root')
      expect(batch.failure(1)?.message).to.include('http.allowed.origins')
    })
  })
})

describe('the configuration of LabelImage', () => {
  it('is checked', () => {
    const problems = (config: Record<string, string>) =>
      labelImage.config.parse({ model: 'm', ...config }).problems.map(({ path: key }) => key)
    expect(problems({})).to.deep.equal([])
    expect(labelImage.config.parse({}).problems).to.have.length(1)
    for (const [key, values] of Object.entries({
      threshold: ['-0.1', '1.1', 'x'],
      'top.k': ['0', '1001'],
      'file.root': ['images', ''],
      'http.allowed.origins': [
        '*',
        'example.com',
        'https://example.com/',
        'https://Example.com',
        'ftp://example.com',
        'https://example.com:443',
      ],
      'http.timeout.ms': ['0', '60001'],
      'decode.concurrency': ['0', '65'],
      prefix: ['a-b'],
    })) {
      for (const value of values) expect(problems({ [key]: value }), `${key} ${value}`).to.deep.equal([key])
    }
    const origins = 'https://example.com, http://cdn.example.com:8080'
    expect(problems({ 'http.allowed.origins': origins })).to.deep.equal([])
  })

  it('needs an image classifier', async () => {
    for (const changes of [
      { task: 'vector' as const },
      { inputs: [] },
      { inputs: [{ name: 'x', type: 'numeric' as const, required: true }] },
      {
        inputs: [
          { name: 'x', type: 'tensor' as const, datatype: 'FP32' as const, shape: [8, 8, 3], required: true },
        ],
      },
      {
        inputs: [
          {
            name: 'x',
            type: 'tensor' as const,
            datatype: 'UINT8' as const,
            shape: [3, 8, 8],
            required: true,
          },
        ],
      },
    ]) {
      const error: unknown = await apply({ 'top.k': '1' }, [], { models: redness(changes) }).catch(
        (e: unknown) => e,
      )
      expect(error).to.be.instanceOf(ModelError)
      expect((error as ConnectError).message).to.include('no image classifier')
    }
    const error: unknown = await apply({ 'top.k': '4' }, [], { models: redness() }).catch((e: unknown) => e)
    expect((error as ConnectError).message).to.include('3 labels only')
  })
})
