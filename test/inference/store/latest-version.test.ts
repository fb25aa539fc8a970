import { expect } from 'chai'
import { createHash } from 'node:crypto'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ModelError } from '../../../src/api/errors.ts'
import { type Logger, SILENT } from '../../../src/api/log.ts'
import { ModelStore } from '../../../src/inference/store/model-store.ts'
import { FIXTURES } from '../../support/model-fixtures.ts'

const MODEL = path.join(FIXTURES, 'gaussian-constant/model.zip')
const OTHER = path.join(FIXTURES, 'binomial-na/model.zip')

let models: string
let store: ModelStore
/** The versions that were passed over, and why, as the log says. */
let bad: [string, string][]

const log: Logger = {
  ...SILENT,
  warn: (_, fields) => bad.push([String(fields?.['version']), String(fields?.['reason'])]),
}

beforeEach(async () => {
  models = await mkdtemp(path.join(tmpdir(), 'sluice-latest-'))
  bad = []
  store = new ModelStore({ modelsDir: models, allowedDirs: [models], log })
  await version('1')
})
afterEach(() => rm(models, { recursive: true }))

/** Puts a version of a model there, and gives its file. */
async function version(name: string, content?: string): Promise<string> {
  const file = path.join(models, 'delay', name, 'm.zip')
  await cp(MODEL, file, { recursive: true })
  if (content !== undefined) await writeFile(file, content)
  return file
}

const beside = (file: string, name: string): string => path.join(path.dirname(file), name)

async function changeSum(file: string): Promise<void> {
  const sha256 = createHash('sha256')
    .update(await readFile(OTHER))
    .digest('hex')
  const manifest = { manifestVersion: 1, artifact: { path: 'm.zip', sha256 } }
  await writeFile(beside(file, 'manifest.json'), JSON.stringify(manifest))
}

async function failure(reference: string): Promise<ModelError> {
  return store.load(reference).then(
    (model) => expect.fail(`${reference} gave ${model.version}`),
    (error: unknown) => {
      if (error instanceof ModelError) return error
      throw error
    },
  )
}

describe('the latest version', () => {
  for (const [what, put, reason] of [
    ['is damaged', (file: string) => writeFile(file, 'PK damaged'), 'm.zip'],
    ['has another checksum', changeSum, 'sha256'],
    [
      'fails its probe',
      (file: string) => writeFile(beside(file, 'probe.jsonl'), '{"input":{},"output":{"prediction":1}}'),
      'prediction is',
    ],
    [
      'has a damaged manifest',
      (file: string) => writeFile(beside(file, 'manifest.json'), '{'),
      'is not JSON',
    ],
    ['has two files', (file: string) => cp(MODEL, `${file}.zip`), '2 model files'],
    ['leads elsewhere', (file: string) => rm(file).then(() => symlink('/etc/passwd', file)), 'leads out of'],
  ] as const) {
    it(`is the one before where it ${what}, which is said once`, async () => {
      await put(await version('2'))
      for (const reference of ['delay', 'delay', path.join(models, 'delay')])
        expect((await store.load(reference)).version).to.equal('1')
      expect(bad).to.have.length(1)
      expect(bad[0]?.[0]).to.equal('2')
      expect(bad[0]?.[1]).to.include(reason)
      expect((await failure('delay$2')).message).to.equal(bad[0]?.[1])
      await expectLatestRefused(bad[0]?.[1])
    })
  }

  /** Who looks at a model, as the command does, is told. */
  async function expectLatestRefused(reason: string | undefined): Promise<void> {
    const opened = await store.open('delay').catch((error: unknown) => (error as Error).message)
    expect(opened).to.equal(reason)
    expect((await store.openServing('delay')).model.version).to.equal('1')
  }

  it('is said to be refused again when other files lie there', async () => {
    const file = await version('2')
    for (const content of ['PK damaged', 'PK damaged too']) {
      await writeFile(file, content)
      expect((await store.load('delay')).version).to.equal('1')
    }
    expect(bad.map(([name]) => name)).to.deep.equal(['2', '2'])
    await cp(MODEL, file)
    expect((await store.load('delay')).version).to.equal('2')
  })

  it('is named with its error where no other can be read either', async () => {
    for (const name of ['1', '2', '3']) await version(name, 'PK damaged')
    const [all, latestOne] = [await failure('delay'), await failure('delay$3')]
    expect(all.code).to.equal('model.corrupt')
    expect(all.message).to.equal(`${latestOne.message} Older versions cannot be read either: 2, 1.`)
    expect(bad).to.deep.equal([])
  })

  it('is given up where reading it took too long to try another', async () => {
    await version('2', 'PK damaged')
    store = new ModelStore({ modelsDir: models, allowedDirs: [], log, patience: -1 })
    expect((await failure('delay')).message).to.include('There was no time to try 1.')
  })

  it('is read elsewhere first where that is asked for, and another could serve instead', async () => {
    const inspected: string[] = []
    const inspectFirst = (file: string) => {
      inspected.push(path.relative(models, file))
      if (inspected.at(-1) === 'delay/3/m.zip') throw new ModelError('model.corrupt', 'It took too long.')
      return Promise.resolve({ version: '', file })
    }
    store = new ModelStore({ modelsDir: models, allowedDirs: [], log, inspectFirst })
    expect((await store.load('delay')).version).to.equal('1')
    for (const name of ['2', '3']) await version(name)
    for (let i = 0; i < 2; i++) expect((await store.load('delay')).version).to.equal('2')
    expect(inspected).to.deep.equal(['delay/3/m.zip', 'delay/2/m.zip', 'delay/3/m.zip'])
    expect(bad).to.deep.equal([['3', 'It took too long.']])
  })
})
