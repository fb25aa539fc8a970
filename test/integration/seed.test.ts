import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { findTransform } from '../../src/runtime/plugins/plugins.ts'
import { PHOTOS, type SeedWorker, SHARED_FIXTURES, startSeedWorker } from '../support/seed-worker.ts'

const SEED = path.join(SHARED_FIXTURES, 'seed')
const FIXTURES = path.resolve(import.meta.dirname, '../fixtures')
const POJOS = path.join(FIXTURES, 'pojo')
const MODELS = path.resolve(import.meta.dirname, '../../models')

const FLIGHTS = ['1987', '1999'].map(
  (year) =>
    `${year},10,14,3,741,730,912,849,PS,1451,NA,91,79,NA,23,11,SAN,SFO,447,NA,NA,0,NA,0,NA,NA,NA,NA,NA,YES,YES`,
)

/** The labels that a compiled POJO gives the two flights: the last rows of its fixture. */
function labelsOf(pojo: string): string[] {
  const text = gunzipSync(readFileSync(path.join(POJOS, pojo, 'expected.csv.gz'))).toString('utf8')
  return text
    .trimEnd()
    .split('\n')
    .slice(-2)
    .map((line) => line.split(',')[0] ?? '')
}

describe('the programs of the seed, as one JSON file each', function () {
  this.timeout(150_000)
  let worker: SeedWorker

  before(async () => {
    worker = await startSeedWorker()
  })
  after(() => worker.stop())

  /** Why a test cannot run here: a transform or a file is missing. */
  function lacks(transform: string, ...files: readonly string[]): string | undefined {
    try {
      findTransform(`${transform}$Value`)
    } catch {
      return `there is no ${transform}`
    }
    const missing = files.find((file) => !existsSync(file))
    return missing === undefined ? undefined : `${missing} is not there`
  }

  const skip = (context: Mocha.Context, reason: string) => {
    process.stderr.write(`skipped: ${reason}\n`)
    context.skip()
  }

  const flights = [
    ['seed-flight-gbm', 'gbm-flight', 'ScoreH2OGbm'],
    ['seed-flight-gbm', 'gbm-flight-old', 'ScoreH2OGbm'],
    ['seed-flight-dl', 'dl-flight', 'ScoreH2ODeepLearning'],
    ['seed-flight-dl', 'dl-flight-old', 'ScoreH2ODeepLearning'],
  ] as const
  for (const [connector, pojo, transform] of flights) {
    it(`${connector} says of two flights what the compiled POJO ${pojo} says`, async function () {
      const reason = lacks(transform)
      if (reason !== undefined) return skip(this, reason)
      const source = gunzipSync(readFileSync(path.join(POJOS, pojo, 'model.java.gz')))
      await worker.addModel(pojo, 'model.java', source)
      const found = await worker.run(connector, FLIGHTS, { 'transforms.score.model': pojo })
      expect(found).to.deep.equal(
        labelsOf(pojo).map((label) => `Prediction: Is Airline delayed? => ${label}`),
      )
    })
  }

  it('seed-flight-gbm and seed-flight-dl take a MOJO too', async () => {
    for (const [connector, model] of [
      ['seed-flight-gbm', 'airline-delay'],
      ['seed-flight-dl', 'airline-delay-dl'],
    ] as const) {
      await worker.addModelFolder(model, path.join(MODELS, model))
      const found = await worker.run(connector, FLIGHTS, { 'transforms.score.model': model })
      expect(found).to.have.length(2)
      for (const text of found) expect(text).to.match(/^Prediction: Is Airline delayed\? => (YES|NO)$/)
    }
  })

  it('both answers occur among them', () => {
    expect(labelsOf('gbm-flight')).to.deep.equal(['YES', 'NO'])
  })

  it('seed-iris-dl4j prints the probabilities of three flowers as ND4J does', async function () {
    const model = path.join(SEED, 'DL4J_Iris_Model.zip')
    const reason = lacks('ClassifyIris', model)
    if (reason !== undefined) return skip(this, reason)
    await worker.addModel('seed-iris-dl4j', 'iris.zip', readFileSync(model))
    const found = await worker.run('seed-iris-dl4j', [
      '5.4,3.9,1.7,0.4',
      '7.0,3.2,4.7,1.4',
      '4.6,3.4,1.4,0.3',
    ])
    expect(found).to.deep.equal([
      'Prediction: Iris Probability => [[    0.0033,    0.1635,    0.8332]]',
      'Prediction: Iris Probability => [[ 9.3033e-5,    0.0030,    0.9969]]',
      'Prediction: Iris Probability => [[    0.0113,    0.8152,    0.1736]]',
    ])
  })

  it('seed-iris-dl4j prints the probabilities that DL4J gives three flowers by models/iris-dl4j', async () => {
    const name = 'iris-without-manifest' // whose classes have no names of their own, as the template wants
    await worker.addModel(name, 'iris.zip', readFileSync(path.join(MODELS, 'iris-dl4j/iris.zip')))
    const flowers = ['4.7,3.2,1.3,0.2', '7.0,3.2,4.7,1.4', '6.3,2.5,5.0,1.9'] // of its probe.jsonl
    const found = await worker.run('seed-iris-dl4j', flowers, { 'transforms.classify.model': name })
    expect(found).to.deep.equal([
      'Prediction: Iris Probability => [[    0.9954,    0.0046, 9.8761e-7]]',
      'Prediction: Iris Probability => [[    0.0033,    0.9919,    0.0048]]',
      'Prediction: Iris Probability => [[ 1.4007e-5,    0.0069,    0.9931]]',
    ])
  })

  it('seed-keras reads a shape and finds ten classes alike', async function () {
    const model = path.join(SEED, 'simple_mlp.h5')
    const reason = lacks('KerasPredict', model)
    if (reason !== undefined) return skip(this, reason)
    await worker.addModel('seed-keras', 'simple_mlp.h5', readFileSync(model))
    const found = await worker.run('seed-keras', ['256,100'])
    const ten = Array<string>(10).fill('    0.1000').join(',')
    expect(found).to.deep.equal([`Prediction => [[${ten}]]`])
  })

  it('seed-keras says of zeros what Keras says by a network whose classes are not alike', async () => {
    const folder = path.join(FIXTURES, 'networks/seed')
    const oracle = JSON.parse(readFileSync(path.join(folder, 'oracle.json'), 'utf8')) as number[]
    await worker.addModel('ten-classes', 'net.h5', readFileSync(path.join(folder, 'ten-classes.h5')))
    const found = await worker.run('seed-keras', ['256,100'], { 'transforms.predict.model': 'ten-classes' })
    const ten = oracle.map((probability) => probability.toFixed(4).padStart(10)).join(',')
    expect(new Set(oracle).size).to.equal(10)
    expect(found).to.deep.equal([`Prediction => [[${ten}]]`])
  })

  it('seed-image sees the espresso in one photo in three files', async () => {
    await worker.addModelFolder('image-classifier', path.join(MODELS, 'efficientnet-lite0'))
    const found = await worker.run('seed-image', ['coffee.jpg', 'coffee-grey.jpg', 'coffee-exif.jpg'], {
      'transforms.label.model': 'image-classifier',
      'transforms.label.file.root': PHOTOS,
    })
    const text = 'Image Recognition: What is content of the picture? => espresso'
    expect(found).to.deep.equal([text, text, text])
  })

  it('seed-image sees an airliner on the planes, a butterfly on the butterfly, and none in the devil', async function () {
    const pictures = [
      'new_airplane.jpg',
      'trained_airplane_1.jpg',
      'trained_airplane_2.jpg',
      'trained_butterfly.jpg',
      'devil.png',
    ]
    const files = pictures.map((name) => path.join(SEED, name))
    const model = path.join(MODELS, 'efficientnet-lite0')
    const reason = lacks('LabelImage', path.join(model, 'manifest.json'), ...files)
    if (reason !== undefined) return skip(this, reason)
    await worker.addModelFolder('efficientnet-lite0', model)
    const found = await worker.run('seed-image', pictures, { 'transforms.label.file.root': SEED })
    const text = 'Image Recognition: What is content of the picture? =>'
    const [first, second, third, butterfly, devil] = found
    for (const plane of [first, second, third]) expect(plane).to.equal(`${text} airliner`)
    expect(butterfly?.startsWith(`${text} `)).to.equal(true)
    expect(butterfly).to.match(/butterfly$/)
    expect(devil?.startsWith(`${text} `)).to.equal(true)
    expect(devil).not.to.include('airliner')
  })
})
