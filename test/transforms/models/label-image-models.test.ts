import { expect } from 'chai'
import { describe, it } from 'mocha'
import {
  type ExampleRecord,
  type Model,
  type Models,
  NO_IMAGES,
  type Schema,
  SILENT,
  struct,
} from '../../../src/index.ts'
import { labellersWithin } from '../../../src/inference/images/image-labeller.ts'
import { labelImage } from '../../../transforms/models/label-image.ts'
import { batchOf } from '../../support/example-batch.ts'
import { plain, redness } from '../../support/redness.ts'

const BYTES: Schema = { type: 'BYTES', optional: true }

async function apply(
  config: Record<string, string>,
  records: readonly ExampleRecord[],
  { models }: { readonly models: Models },
) {
  const values = labelImage.config.read({ model: 'redness', ...config })
  const transform = await labelImage.open(values, {
    ...{ side: 'value', models, log: SILENT },
    openImageLabeller: labellersWithin(NO_IMAGES),
  })
  return transform.apply(batchOf(records))
}

describe('LabelImage with several models', () => {
  it('shares images among models, whose version is in a header, and in a field where that is asked for', async () => {
    const models = [redness({ name: 'a' }), redness({ name: 'b', version: '2' })]
    const both: Models = { load: (name) => models[name === 'a' ? 0 : 1]!.load(name) }
    const image = await plain(255)
    const records = Array.from({ length: 60 }, (_, i) => ({ key: `${i}`, value: i % 7 === 0 ? null : image }))
    const config = {
      model: 'a:0.5,b:0.5',
      'top.k': '1',
      'version.field': 'version',
    }
    const batch = await apply(config, records, { models: both })
    const seen = new Set<string>()
    records.forEach(({ value }, row) => {
      const headers = batch.headers(row).map((header) => `${header.key} ${String(header.value)}`)
      if (value === null) expect([headers, batch.record(row).value]).to.deep.equal([[], null])
      else {
        const { version } = batch.record(row).value as { version: string }
        expect(headers).to.deep.equal([`sluice.model ${version === '1' ? 'a$1' : 'b$2'}`])
        seen.add(version)
      }
    })
    expect([...seen].sort()).to.deep.equal(['1', '2'])
    expect([...models[0]!.calls, ...models[1]!.calls].reduce((sum, length) => sum + length)).to.equal(51)
  })

  it('adds no version to a record without an image, and the version after the other fields', async () => {
    const valueSchema: Schema = {
      type: 'STRUCT',
      optional: false,
      name: 'Photo',
      fields: [{ name: 'photo', schema: BYTES }],
    }
    const records = [await plain(255), null].map((photo) => ({ valueSchema, value: struct({ photo }) }))
    const config = {
      field: 'photo',
      'top.k': '1',
      prefix: 'p_',
      'version.field': 'by',
    }
    const batch = await apply(config, records, { models: redness() })
    expect(Object.keys(batch.record(0).value as object).at(-1)).to.equal('p_by')
    expect(batch.record(0).value).to.include({ p_by: '1' })
    expect(batch.record(1).value).to.include({ p_by: null })
    expect(batch.headers(1)).to.deep.equal([])
  })

  it('scores a batch with one version, also where the model is replaced meanwhile', async () => {
    const first = await redness().load('redness')
    let serving = first
    const live: Model = {
      ...first,
      get serving() {
        return serving
      },
    }
    serving = {
      ...first,
      score: (columns, length) => {
        serving = { ...first, version: '2' }
        return first.score(columns, length)
      },
    }
    const image = await plain(255)
    const records = Array.from({ length: 40 }, () => ({ value: image }))
    const models: Models = { load: () => Promise.resolve(live) }
    const batch = await apply({ 'top.k': '1', 'version.field': 'by' }, records, { models })
    expect(serving.version).to.equal('2')
    const versions = records.map((_, row) => (batch.record(row).value as { by: string }).by)
    expect(new Set(versions)).to.deep.equal(new Set(['1']))
  })

  it('compares shadow models on the images that were read, and is not hurt by them', async () => {
    const broken = () => {
      throw new Error('broken')
    }
    const named: Readonly<Record<string, Models>> = {
      redness: redness(),
      same: redness({ name: 'same', version: '9' }),
      broken: redness({ name: 'broken', score: broken }),
      small: redness({
        name: 'small',
        inputs: [{ name: 'i', type: 'tensor', datatype: 'UINT8', shape: [4, 4, 3], required: true }],
      }),
    }
    const models: Models = { load: (name) => named[name]!.load(name) }
    const config = { 'top.k': '2', shadow: 'same,broken', 'shadow.header': 'true' }
    const records = [
      { value: await plain(255) },
      { value: Buffer.from('no image') },
      { value: await plain(0) },
    ]
    const batch = await apply(config, records, { models })
    const alone = await apply({ 'top.k': '2' }, records, { models })
    for (const row of [0, 2]) expect(batch.record(row).value).to.deep.equal(alone.record(row).value)
    expect(batch.failure(1)?.code).to.equal('record.image')
    expect(batch.headers(0).map(({ key }) => key)).to.deep.equal(['sluice.model', 'sluice.shadow'])
    const { outputs, ...said } = JSON.parse(String(batch.headers(0)[1]?.value)) as Record<string, unknown>
    expect(said).to.include({ model: 'same', version: '9' })
    expect(Object.keys(outputs as object)).to.deep.equal(['red', 'dark'])
    const error: unknown = await apply({ 'top.k': '1', shadow: 'small' }, [], { models }).catch(
      (e: unknown) => e,
    )
    expect(String(error)).to.include('The shadow model small takes images of another size')
  })
})
