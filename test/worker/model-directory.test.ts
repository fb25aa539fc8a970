import { expect } from 'chai'
import { createHash } from 'node:crypto'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { NotFoundError } from '../../src/api/errors.ts'
import { describeModel } from '../../src/cli/describe-model.ts'
import { checkReplaces, openModel } from '../../src/cli/open-model.ts'
import { type ModelDirectory, modelDirectory } from '../../src/worker/model-directory.ts'
import { FIXTURES } from '../support/model-fixtures.ts'

const MODEL = path.join(FIXTURES, 'gaussian-constant/model.zip')
const OTHER = path.join(FIXTURES, 'binomial-na/model.zip')

let modelsDir: string
let models: ModelDirectory

beforeEach(async () => {
  modelsDir = await mkdtemp(path.join(tmpdir(), 'sluice-models-'))
  // Models are read in this process, as the command would in another.
  models = modelDirectory(modelsDir, async (reference, replaces) => {
    const ready = await openModel(reference)
    if (replaces !== undefined) await checkReplaces(ready.model, replaces)
    return describeModel(ready)
  })
})
afterEach(() => rm(modelsDir, { recursive: true }))

const fileOf = (version: string): string => path.join(modelsDir, 'delay', version, 'm.zip')
const copy = (version: string, source = MODEL) => cp(source, fileOf(version), { recursive: true })
const damage = (version: string) => writeFile(fileOf(version), 'PK damaged')

async function add(version?: string) {
  return models.add({ name: 'delay', version, file: 'm.zip', bytes: await readFile(MODEL) })
}

async function refusal(work: Promise<unknown>): Promise<Error> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  )
  if (error instanceof Error) return error
  throw new Error('it was taken')
}

describe('a version that is added', () => {
  it('is checked against the latest that can be read, until its folder is removed', async () => {
    await copy('1')
    await copy('2', OTHER)
    const { message } = await refusal(add())
    expect(message).to.include(`version 2 (${fileOf('2')}) while connectors run: its task is regression`)
    expect(message).to.include('Where the other does not serve, remove its folder')
    await damage('2')
    expect(await add()).to.deep.equal({ version: '3', latest: '3' })
  })

  it('is checked against nothing where no other can be read', async () => {
    await copy('1', OTHER)
    await damage('1')
    expect(await add()).to.deep.equal({ version: '2', latest: '2' })
  })

  it('may be older than the one that serves, which is said', async () => {
    await copy('7')
    expect(await add('5')).to.deep.equal({ version: '5', latest: '7' })
    await damage('7')
    expect(await add('6')).to.deep.equal({ version: '6', latest: '6' })
  })
})

describe('a model that is shown', () => {
  it('has as its latest version the last that can be read, and says why those after it cannot', async () => {
    for (const version of ['1', '2', '3']) await copy(version)
    await damage('3')
    for (const [asked, version] of [
      [undefined, '2'],
      ['1', '1'],
      ['3', '3'],
    ] as const) {
      const view = await models.show('delay', asked)
      expect(view).to.include({ version, latest: '2' })
      expect(view.refused.map((each) => each.version)).to.deep.equal(['3'])
      expect(view.refused[0]?.error).to.include('m.zip')
      expect(view.error).to.equal(version === '3' ? view.refused[0]?.error : undefined)
    }
  })

  it('has no latest version where none can be read, and says what is wrong with the last', async () => {
    for (const version of ['1', '2']) await copy(version).then(() => damage(version))
    const view = await models.show('delay')
    expect(view).to.include({ version: '2', latest: null, error: view.refused[0]?.error })
    expect(view.refused).to.have.length(2)
  })

  it('has the versions of its manifest where its file lies in its own folder, as connectors may name them', async () => {
    await cp(MODEL, path.join(modelsDir, 'own/m.zip'), { recursive: true })
    const sha256 = createHash('sha256')
      .update(await readFile(MODEL))
      .digest('hex')
    const manifest = { manifestVersion: 1, artifact: { path: 'm.zip', sha256 }, versions: ['7'] }
    expect(await models.show('own', '1')).to.include({ version: '1', algorithm: 'gbm' })
    await writeFile(path.join(modelsDir, 'own/manifest.json'), JSON.stringify(manifest))
    expect(await models.show('own', '7')).to.include({ version: '7', algorithm: 'gbm' })
    const error = await refusal(models.show('own', '1'))
    expect(error).to.be.instanceOf(NotFoundError)
    expect(error.message).to.include('It has: 7.')
  })
})
