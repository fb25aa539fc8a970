import { expect } from 'chai'
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { SILENT } from '../../src/api/log.ts'
import { checkReplaces, openModel } from '../../src/cli/open-model.ts'
import { describeModel } from '../../src/cli/describe-model.ts'
import { ModelStore } from '../../src/inference/store/model-store.ts'
import { type RestServer, startRest } from '../../src/rest/server.ts'
import { modelDirectory } from '../../src/worker/model-directory.ts'
import { FIXTURES } from '../support/model-fixtures.ts'
import { modelForm as form } from '../support/model-form.ts'

const MODEL = path.join(FIXTURES, 'gaussian-constant/model.zip')
const OTHER = path.join(FIXTURES, 'binomial-na/model.zip')
const BYTES = { 'content-type': 'application/octet-stream' }
/** What MODEL gives for anything. */
const PROBE = '{"input":{},"output":{"prediction":12.809275}}\n'

let modelsDir: string
let server: RestServer
let inspected: number

beforeEach(async () => {
  modelsDir = path.join(await mkdtemp(path.join(tmpdir(), 'sluice-upload-')), 'models')
  await serve(modelsDir)
})
afterEach(async () => {
  await server.close()
  await rm(path.dirname(modelsDir), { recursive: true })
})

/** A server whose models are read in this process, as the command would in another. */
async function serve(folder: string, meanwhile = () => Promise.resolve()): Promise<void> {
  inspected = 0
  const models = modelDirectory(folder, async (reference, replaces) => {
    inspected++
    await meanwhile()
    const ready = await openModel(reference)
    if (replaces !== undefined) await checkReplaces(ready.model, replaces)
    return describeModel(ready)
  })
  const context = { worker: () => undefined, version: '0.1.0', hosts: [], log: SILENT, models }
  server = await startRest({ host: '127.0.0.1', port: 0 }, context)
}

interface Answer {
  readonly code: number
  readonly body: { readonly version?: string; readonly message?: string; readonly error_code?: number }
}

async function request(where: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${server.port}/sluice/models${where}`, init)
  return { code: response.status, body: (await response.json()) as Answer['body'] }
}

async function put(where: string, body: Buffer | FormData | string, headers?: Record<string, string>) {
  const sent = Buffer.isBuffer(body) ? new Uint8Array(body) : body
  const own = body instanceof FormData ? {} : BYTES
  return request(`/${where}`, { method: 'PUT', body: sent, headers: headers ?? own })
}

function manifestOf(model: Buffer, more: object = {}) {
  const sha256 = createHash('sha256').update(model).digest('hex')
  return { manifestVersion: 1, artifact: { path: 'm.zip', sha256 }, ...more }
}

/** Everything below models.dir. */
async function stored(): Promise<string[]> {
  return (await readdir(modelsDir, { recursive: true }).catch(() => [])).toSorted()
}

async function expectRefused(answer: Promise<Answer>, code: number, message: string): Promise<void> {
  const { code: found, body } = await answer
  expect(body.message).to.include(message)
  expect([found, body.error_code], body.message).to.deep.equal([code, code])
}

describe('models sent to the worker', () => {
  it('become the next version, which is served', async () => {
    const model = await readFile(MODEL)
    for (const version of ['1', '2']) {
      const answer = await put('delay?file=m.zip', model)
      expect(answer).to.deep.equal({ code: 201, body: { name: 'delay', version, latest: version } })
    }
    expect((await put('delay?file=m.zip&version=7', model)).body.version).to.equal('7')
    expect((await request('')).body).to.deep.equal([{ name: 'delay', versions: ['1', '2', '7'] }])
    const store = new ModelStore({ modelsDir, allowedDirs: [] })
    expect((await store.load('delay')).version).to.equal('7')
  })

  it('bring their manifest and probes as parts of a form, all of which are kept as they were sent', async () => {
    const model = await readFile(MODEL)
    const manifest = manifestOf(model, { versions: ['4'], probe: 'p.jsonl' })
    // What the manifest says goes before what the file was called elsewhere.
    const answer = await put('delay', form({ model, file: 'final (3).zip', manifest, probe: PROBE }))
    expect(answer).to.deep.equal({ code: 201, body: { name: 'delay', version: '4', latest: '4' } })
    const folder = path.join(modelsDir, 'delay/4')
    expect((await readdir(folder)).toSorted()).to.deep.equal(['m.zip', 'manifest.json', 'p.jsonl'])
    expect(await readFile(path.join(folder, 'm.zip'))).to.deep.equal(model)
    expect(await readFile(path.join(folder, 'manifest.json'), 'utf8')).to.equal(JSON.stringify(manifest))
    expect(await readFile(path.join(folder, 'p.jsonl'), 'utf8')).to.equal(PROBE)
    expect((await put('delay', form({ model, probe: PROBE }))).body.version).to.equal('5')
    expect(await stored()).to.include('delay/5/probe.jsonl')
  })

  it('are refused with the reason where they cannot be read or fail their probes, and leave nothing', async () => {
    const model = await readFile(MODEL)
    await expectRefused(put('delay?file=m.zip', Buffer.from('PK damaged')), 400, 'delay/1/m.zip: ')
    await expectRefused(put('delay?file=m.zip', model.subarray(0, -50)), 400, 'delay/1/m.zip: ')
    const pickle = Buffer.from('\x80\x04\x95', 'latin1')
    await expectRefused(put('delay?file=m.pkl', pickle), 400, 'm.pkl is a Python pickle')
    await expectRefused(put('delay?file=m.zip', pickle), 400, 'm.zip is a Python pickle')
    const probe = PROBE.replace('12.8', '12.9')
    await expectRefused(put('delay', form({ model, probe })), 400, 'prediction is 12.809275')
    expect(await stored()).to.deep.equal([])
  })

  for (const [what, more, message] of [
    [
      'has another checksum',
      { artifact: { path: 'm.zip', sha256: 'ab'.repeat(32) } },
      'correct artifact.sha256',
    ],
    ['names another version', { versions: ['2'] }, 'says 2, but its folder is version 9'],
    ['names probes that were not sent', { probe: 'p.jsonl' }, 'Send them too, or leave out "probe"'],
    [
      'names a file elsewhere',
      { artifact: { path: '../m.zip', sha256: 'ab'.repeat(32) } },
      "in the manifest's own folder",
    ],
    [
      'names a file that is no model',
      { artifact: { path: 'x.txt', sha256: 'ab'.repeat(32) } },
      'ending of a model file',
    ],
    ['has an unknown key', { colour: 'red' }, 'colour: is not a key of a manifest'],
  ] as const) {
    it(`are refused where the manifest ${what}`, async () => {
      const model = await readFile(MODEL)
      const manifest = manifestOf(model, more)
      await expectRefused(put('delay?version=9', form({ model, manifest })), 400, message)
      expect(await stored()).to.deep.equal([])
    })
  }

  it('are refused where running connectors could not take them over from the latest that can be read', async () => {
    const [model, other] = [await readFile(MODEL), await readFile(OTHER)]
    await put('delay?file=m.zip', model)
    await mkdir(path.join(modelsDir, 'delay/2'))
    await writeFile(path.join(modelsDir, 'delay/2/m.zip'), 'PK damaged')
    const answer = put('delay?file=m.zip', other)
    const file = path.join(modelsDir, 'delay/1/m.zip')
    await expectRefused(answer, 400, `version 1 (${file}) while connectors run: its task is classification`)
    expect(await readdir(path.join(modelsDir, 'delay'))).to.deep.equal(['1', '2'])
    expect((await put('other?file=m.zip', other)).code).to.equal(201)
    expect((await put('delay?file=m.zip', model)).body.version).to.equal('3')
  })

  it('are refused where the query says something that is not known', async () => {
    const model = await readFile(MODEL)
    await expectRefused(put('delay?file=m.zip&verison=9', model), 400, 'The parameters are: version, file.')
    await expectRefused(put('delay?version=9&version=8&file=m.zip', model), 400, 'is there twice')
    await expectRefused(put('delay?file=m.zip', form({ model })), 400, 'The parameters are: version.')
    await expectRefused(request('/delay?v=1'), 400, 'There is no parameter "v" here')
    expect(await stored()).to.deep.equal([])
  })

  it('replace no version that is there, and of several at once one is taken', async () => {
    const model = await readFile(MODEL)
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => put('delay?file=m.zip&version=1', model)),
    )
    expect(answers.map(({ code }) => code).toSorted()).to.deep.equal([201, ...Array<number>(7).fill(409)])
    expect(inspected).to.equal(1)
    const again = put('delay', form({ model, manifest: manifestOf(model, { versions: ['1'] }) }))
    await expectRefused(again, 409, 'has a version 1 already')
    expect(await stored()).to.deep.equal(['delay', 'delay/1', 'delay/1/m.zip'])
  })

  it('do not replace a version that another worker was faster with', async () => {
    await server.close()
    await serve(modelsDir, () => cp(MODEL, path.join(modelsDir, 'delay/1/theirs.zip'), { recursive: true }))
    await expectRefused(put('delay?file=m.zip', await readFile(MODEL)), 409, 'has a version 1 already')
    expect(await stored()).to.deep.equal(['delay', 'delay/1', 'delay/1/theirs.zip'])
  })

  it('are refused where the model has no versions, or its folder leads elsewhere', async () => {
    const model = await readFile(MODEL)
    await mkdir(path.join(modelsDir, 'own'), { recursive: true })
    await writeFile(path.join(modelsDir, 'own/m.zip'), '')
    expect((await request('')).body).to.deep.equal([{ name: 'own', versions: [] }])
    await expectRefused(put('own?file=m.zip', model), 400, 'without versions')
    const outside = path.join(path.dirname(modelsDir), 'outside')
    await mkdir(outside)
    await symlink(outside, path.join(modelsDir, 'link'))
    await symlink(path.join(outside, 'nowhere'), path.join(modelsDir, 'dangling'))
    for (const name of ['link', 'dangling'])
      await expectRefused(put(`${name}?file=m.zip`, model), 400, 'leads out of models.dir')
    await mkdir(path.join(modelsDir, 'fraud'))
    await symlink(path.join(outside, 'nowhere'), path.join(modelsDir, 'fraud/1'))
    await expectRefused(put('fraud?file=m.zip', model), 409, 'has a version 1')
    expect(await readdir(outside)).to.deep.equal([])
  })

  it('have names that lead nowhere else, the type of files, and a body', async () => {
    const model = await readFile(MODEL)
    for (const where of [
      '..%2Fx',
      '.x',
      'a%00b',
      '%2e%2e%2fx',
      'a%5Cb',
      'a?version=..',
      'a?version=x%2Fy',
      'a?version=',
    ])
      await expectRefused(put(where, form({ model })), 400, 'has letters')
    for (const file of [
      '../m.zip',
      '..\\..\\m.zip',
      '%2e%2e%2fm.zip',
      'm.zip\0.onnx',
      '/etc/m.zip',
      '.m.zip',
      'm.txt',
    ])
      await expectRefused(put('a', form({ model, file })), 400, 'has letters')
    for (const where of ['a', 'a?file=..%2Fm.zip', 'a?file=m.txt', 'a?file=m%00.zip'])
      await expectRefused(put(where, model), 400, 'has letters')
    await expectRefused(put('a?file=m.zip', Buffer.alloc(0)), 400, 'is empty')
    await expectRefused(
      put('a?file=m.zip', model, { 'content-type': 'text/plain' }),
      415,
      'multipart/form-data',
    )
    expect((await put('a?file=m.zip', model, { ...BYTES, origin: 'http://evil.test' })).code).to.equal(403)
    expect(await stored()).to.deep.equal([])
  })

  it('clear away what a worker that was killed left behind, but not what another is writing', async () => {
    const [left, fresh] = ['.incoming-left', '.incoming-fresh'].map((name) => path.join(modelsDir, name))
    for (const folder of [left!, fresh!]) await mkdir(path.join(folder, 'x/1'), { recursive: true })
    const yesterday = new Date(Date.now() - 86_400_000)
    await utimes(left!, yesterday, yesterday)
    expect((await put('delay?file=m.zip', await readFile(MODEL))).code).to.equal(201)
    expect(await readdir(modelsDir)).to.have.members(['.incoming-fresh', 'delay'])
    expect((await request('')).body).to.deep.equal([{ name: 'delay', versions: ['1'] }])
  })

  it('are answered with the reason where they cannot be stored', async () => {
    await server.close()
    await writeFile(modelsDir, 'a file')
    await serve(modelsDir)
    await expectRefused(put('delay?file=m.zip', await readFile(MODEL)), 503, 'cannot store the model')
  })
})

describe('a form with a model', () => {
  const send = (body: string, type = 'multipart/form-data; boundary=b') =>
    put('a', Buffer.from(body, 'latin1'), { 'content-type': type })
  const part = (head: string, content = 'x') =>
    `--b\r\nContent-Disposition: form-data; ${head}\r\n\r\n${content}\r\n`

  it('has a model once, no other parts, and none that is empty', async () => {
    const model = part('name="model"; filename="m.zip"')
    for (const [body, message] of [
      [`${part('name="probe"; filename="p"')}--b--`, 'There is no part "model" that is a file'],
      [`${part('name="model"')}--b--`, 'There is no part "model" that is a file'],
      [`${model}${part('name="colour"')}--b--`, 'There is a part "colour"'],
      [`${model}${model}--b--`, 'There are two parts "model"'],
      [`${part('name="model"; filename="m.zip"', '')}--b--`, 'The part "model" is empty'],
      [`${model}${part('name="manifest"', '')}--b--`, 'The part "manifest" is empty'],
      [`${model}${part('name="manifest"', '{')}--b--`, 'manifest.json is not JSON'],
    ] as const)
      await expectRefused(send(body), 400, message)
  })

  it('is complete', async () => {
    await expectRefused(send(part('name="model"; filename="m.zip"')), 400, 'no complete multipart/form-data')
  })

  it('of more than 64 MiB is refused with where to put the model', async () => {
    await expectRefused(put('a?file=m.zip', Buffer.alloc(2 ** 26 + 1)), 413, 'Copy the model into its folder')
  })
})

describe('what the worker says of a model', () => {
  it('is which versions it has, and what inspect says of the latest or of one', async () => {
    const model = await readFile(MODEL)
    await put('delay?file=m.zip', model)
    await put('delay', form({ model, probe: PROBE }))
    const facts = { name: 'delay', versions: ['1', '2'], latest: '2', format: 'h2o-mojo', algorithm: 'gbm' }
    expect((await request('/delay')).body)
      .to.include({ version: '2', probes: 1, file: 'm.zip' })
      .and.to.deep.include(facts)
    const first = (await request('/delay?version=1')).body
    expect(first).to.include({ version: '1', probes: 0, task: 'regression' }).and.to.deep.include(facts)
  })

  it('is why a version cannot be read, and 404 where there is none', async () => {
    await mkdir(path.join(modelsDir, 'delay/1'), { recursive: true })
    await writeFile(path.join(modelsDir, 'delay/1/m.zip'), 'PK damaged')
    const { code, body } = await request('/delay')
    expect([code, body.version]).to.deep.equal([200, '1'])
    expect((body as { error?: string }).error).to.include('m.zip')
    await mkdir(path.join(modelsDir, 'mine'))
    await writeFile(path.join(modelsDir, 'mine/saved_model.pb'), '')
    const mine = (await request('/mine')).body as { error?: string }
    expect(mine.error).to.match(/mine holds a TensorFlow SavedModel, which is not read\. Convert it: /)
    await expectRefused(request('/none'), 404, 'There is no model')
    await expectRefused(request('/..%2Fmodels'), 404, 'There is no model')
    await expectRefused(request('/delay?version=..'), 404, 'It has: 1')
    await cp(MODEL, path.join(modelsDir, 'own/m.zip'), { recursive: true })
    for (const where of ['/own', '/own?version=1'])
      expect((await request(where)).body).to.include({ latest: null, version: '1', algorithm: 'gbm' })
    await expectRefused(request('/own?version=2'), 404, 'It has: 1.')
  })
})
