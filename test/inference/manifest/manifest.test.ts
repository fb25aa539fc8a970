import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import { describe, it } from 'mocha'
import path from 'node:path'
import { ModelError } from '../../../src/api/errors.ts'
import { applyManifest } from '../../../src/inference/manifest/apply-manifest.ts'
import { type Manifest, parseManifest } from '../../../src/inference/manifest/manifest.ts'
import { readMojo } from '../../../src/inference/readers/h2o/h2o-mojo.ts'
import { FIXTURES } from '../../support/model-fixtures.ts'

const loaded = readMojo(readFileSync(path.join(FIXTURES, 'binomial-offset/model.zip')))
const shipped = readFileSync(
  path.resolve(import.meta.dirname, '../../../models/airline-delay/manifest.json'),
  'utf8',
)
const minimal: Manifest = { manifestVersion: 1, artifact: { path: 'model.zip', sha256: '0'.repeat(64) } }

function problems(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (error instanceof ModelError && error.code === 'model.manifest') return error.message
    throw error
  }
  throw new Error('there was no problem')
}

function parseProblems(value: unknown): string {
  return problems(() => parseManifest(JSON.stringify(value), 'manifest.json'))
}

function applyProblems(more: Partial<Manifest>): string {
  return problems(() => applyManifest({ ...minimal, ...more }, loaded, 'manifest.json'))
}

describe('a manifest', () => {
  it('of the model that the project ships is right', () => {
    expect(parseManifest(shipped, 'manifest.json').name).to.equal('airline-delay')
  })

  it('needs a version and an artifact only', () => {
    expect(parseManifest(JSON.stringify(minimal), 'manifest.json')).to.deep.equal(minimal)
  })

  it('that is not JSON, or not an object, is refused', () => {
    expect(problems(() => parseManifest('{', 'manifest.json'))).to.include('not JSON')
    for (const value of [null, [], 1, 'x']) expect(parseProblems(value)).to.include('must be an object')
  })

  it('says which numbers are booleans or times, and of no other column', () => {
    const declared = loaded.inputs.map(({ name, type }, i) => ({
      name,
      type: type === 'categorical' ? 'string' : (['boolean', 'datetime', 'double'][i % 3] ?? ''),
    }))
    const manifest = { ...minimal, signature: { inputs: declared } }
    const parsed = parseManifest(JSON.stringify(manifest), 'manifest.json')
    const { inputs } = applyManifest(parsed, loaded, 'manifest.json')
    const wanted = declared.map(({ type }) => (['boolean', 'datetime'].includes(type) ? type : undefined))
    expect(inputs.map(({ holds }) => holds)).to.deep.equal(wanted)
    expect(wanted).to.include('boolean').and.to.include('datetime')
  })

  it('lists every problem at once, with what may have been meant', () => {
    const found = parseProblems({
      manifestVersion: 2,
      artifact: { path: 'model.zip', sha: 'x' },
      treshold: 0.5,
      task: 'clustering',
      signature: { inputs: [{ name: 'a', type: 'int', requird: true }] },
      postprocess: { labels: [1], threshold: '0.5' },
    })
    for (const problem of [
      'manifestVersion: must be 1',
      'artifact.sha: is not a key',
      'artifact.sha256: is missing',
      'treshold: is not a key',
      'task: must be "classification" or "regression"',
      'signature.inputs[0].type: must be',
      'signature.inputs[0].requird: is not a key of a manifest, did you mean required?',
      'postprocess.labels[0]: must be a text',
      'postprocess.threshold: must be a number',
    ]) {
      expect(found).to.include(problem)
    }
  })

  it('names files of its own folder only', () => {
    for (const file of ['../model.zip', '/etc/passwd', 'a/b.zip', '..', 'a\\b', 'a\0b']) {
      expect(parseProblems({ ...minimal, artifact: { ...minimal.artifact, path: file } })).to.include(
        'artifact.path',
      )
      expect(parseProblems({ ...minimal, probe: file })).to.include('probe')
    }
  })

  it('with a checksum that is none is refused', () => {
    expect(parseProblems({ ...minimal, artifact: { path: 'm.zip', sha256: 'abc' } })).to.include(
      '64 hex digits',
    )
  })

  it('names each class once, and not by nothing', () => {
    const labels = (...names: string[]) => parseProblems({ ...minimal, postprocess: { labels: names } })
    expect(labels('a', 'b', 'a')).to.include('postprocess.labels: names a twice')
    expect(labels('a', '')).to.include('postprocess.labels: must not be empty texts')
  })

  it('may begin with a byte order mark, and says where it is no JSON', () => {
    expect(parseManifest(`\uFEFF${JSON.stringify(minimal)}`, 'manifest.json')).to.deep.equal(minimal)
    expect(() => parseManifest('{"a": 1,, }', 'manifest.json')).to.throw(/not JSON \(.*position 8/)
  })

  it('cannot have a threshold that no probability reaches, or be about another kind of file', () => {
    const manifest = { ...minimal, platform: 'dl4j_zip' as const, postprocess: { threshold: 1.5 } }
    expect(() => applyManifest(manifest, loaded, 'manifest.json'))
      .to.throw(/platform: says dl4j_zip, but the model file is h2o_mojo/)
      .with.property('message')
      .that.includes('must be from 0 to 1')
  })

  it('without anything more leaves a model as it is', () => {
    const applied = applyManifest(minimal, loaded, 'manifest.json')
    expect(applied.decision).to.deep.equal(loaded.decision)
    expect(applied.inputs).to.deep.equal(loaded.inputs)
  })

  it('says which fields a record may lack, and the threshold', () => {
    const inputs = loaded.inputs.map(({ name, type }) => ({
      name,
      type: type === 'numeric' ? 'long' : 'string',
      required: name !== 'Dest',
    }))
    const manifest = {
      ...minimal,
      signature: { inputs },
      postprocess: { threshold: 0.9, thresholdClass: 'NO' },
    }
    const applied = applyManifest(manifest, loaded, 'manifest.json')
    expect(applied.inputs.filter((input) => !input.required).map((input) => input.name)).to.deep.equal([
      'Dest',
    ])
    expect(applied.decision).to.deep.equal({ threshold: 0.9, thresholdClass: 'NO' })
  })

  it('that contradicts the model file is refused, with every contradiction', () => {
    const found = applyProblems({
      task: 'regression',
      source: { format: 'onnx', formatVersion: '1.30', algorithm: 'drf' },
      postprocess: { labels: ['YES', 'NO'], threshold: 0.5, thresholdClass: 'MAYBE' },
      signature: {
        inputs: [
          { name: 'Orgin', type: 'string' },
          { name: 'Dest', type: 'double' },
        ],
      },
    })
    for (const problem of [
      'task: says regression, but the model file is classification',
      'source.format: says onnx',
      'source.formatVersion: says 1.30',
      'source.algorithm: says drf',
      'postprocess.labels: must be the model\'s own, ["NO","YES"]',
      'postprocess.thresholdClass: must be one of NO, YES',
      'the model has no column Orgin, did you mean Origin?',
      "lacks the model's column Month",
      'Dest is categorical, so its type must be string',
    ]) {
      expect(found).to.include(problem)
    }
  })

  it('cannot set a threshold for a model without one', () => {
    const regression = readMojo(readFileSync(path.join(FIXTURES, 'poisson/model.zip')))
    const manifest = { ...minimal, postprocess: { threshold: 0.5 } }
    expect(problems(() => applyManifest(manifest, regression, 'manifest.json'))).to.include('two classes')
  })

  it('decides for its class at its threshold', async () => {
    const columns = loaded.inputs.map((input) =>
      input.type === 'numeric'
        ? { type: 'float64' as const, values: new Float64Array(1), present: new Uint8Array(1).fill(1) }
        : { type: 'category' as const, levels: new Int32Array(1), domain: input.domain ?? [] },
    )
    const label = async (threshold: number, thresholdClass: string) => {
      const { prediction } = await loaded.score(columns, 1, { threshold, thresholdClass })
      return prediction.type === 'category' ? loaded.labels[prediction.levels[0]!] : undefined
    }
    const found = [await label(0, 'NO'), await label(1, 'NO'), await label(0, 'YES'), await label(1, 'YES')]
    expect(found).to.deep.equal(['NO', 'YES', 'YES', 'NO'])
  })
})
