import { expect } from 'chai'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ModelError } from '../../src/api/errors.ts'
import { SILENT } from '../../src/api/log.ts'
import { ModelStore } from '../../src/inference/model-store.ts'
import { type RestServer, startRest } from '../../src/rest/server.ts'
import { modelShelf, processCheck } from '../../src/worker/model-shelf.ts'
import { FIXTURES } from '../support/model-fixtures.ts'

const MODEL = path.join(FIXTURES, 'gaussian-constant/model.zip')
const BYTES = { 'content-type': 'application/octet-stream' }

let modelsDir: string
let server: RestServer

beforeEach(async () => {
  modelsDir = await mkdtemp(path.join(tmpdir(), 'sluice-upload-'))
  const store = new ModelStore({ modelsDir, allowedDirs: [] })
  const models = modelShelf(modelsDir, async (folder) => {
    await store.open(folder)
  })
  const context = { worker: () => undefined, version: '0.1.0', hosts: [], log: SILENT, models }
  server = await startRest({ host: '127.0.0.1', port: 0 }, context)
})
afterEach(async () => {
  await server.close()
  await rm(modelsDir, { recursive: true })
})

async function put(where: string, body: Buffer, headers: Record<string, string> = BYTES) {
  const url = `http://127.0.0.1:${server.port}/sluice/models/${where}`
  const response = await fetch(url, { method: 'PUT', body: new Uint8Array(body), headers })
  return { code: response.status, body: (await response.json()) as { version?: string; message?: string } }
}

async function list(): Promise<unknown> {
  return (await fetch(`http://127.0.0.1:${server.port}/sluice/models`)).json()
}

describe('models sent to the worker', () => {
  it('become the next version, which is served', async () => {
    const model = await readFile(MODEL)
    for (const version of ['1', '2']) {
      const answer = await put('delay?file=m.zip', model)
      expect(answer).to.deep.equal({ code: 201, body: { name: 'delay', version } })
    }
    expect((await put('delay?file=m.zip&version=7', model)).body.version).to.equal('7')
    expect(await list()).to.deep.equal([{ name: 'delay', versions: ['1', '2', '7'] }])
    const store = new ModelStore({ modelsDir, allowedDirs: [] })
    expect((await store.load('delay')).version).to.equal('7')
  })

  it('are refused with the reason where they cannot be read, and leave nothing', async () => {
    const answer = await put('delay?file=m.zip', Buffer.from('PK damaged'))
    expect(answer.code).to.equal(400)
    expect(answer.body.message).to.include('m.zip')
    expect(await readdir(modelsDir)).to.deep.equal([])
  })

  it('replace no version that is there', async () => {
    const model = await readFile(MODEL)
    await put('delay?file=m.zip&version=1', model)
    const answer = await put('delay?file=other.zip&version=1', model)
    expect(answer.code).to.equal(400)
    expect(await readdir(path.join(modelsDir, 'delay/1'))).to.deep.equal(['m.zip'])
  })

  it('are refused where the model has no versions', async () => {
    await mkdir(path.join(modelsDir, 'own'))
    await writeFile(path.join(modelsDir, 'own/m.zip'), '')
    expect(await list()).to.deep.equal([{ name: 'own', versions: [] }])
    expect((await put('own?file=m.zip', await readFile(MODEL))).body.message).to.include('without versions')
  })

  it('have names that lead nowhere else, the type of files, and a body', async () => {
    const model = await readFile(MODEL)
    const wrong = ['..%2Fx?file=m.zip', '.x?file=m.zip', 'a?file=..%2Fm.zip', 'a', 'a?file=m.txt']
    for (const where of [...wrong, 'a?file=m.zip&version=..', 'a?file=m.zip&version=x%2Fy'])
      expect((await put(where, model)).code, where).to.equal(400)
    expect((await put('a?file=m.zip', Buffer.alloc(0))).code).to.equal(400)
    expect((await put('a?file=m.zip', model, { 'content-type': 'text/plain' })).code).to.equal(415)
    expect((await put('a?file=m.zip', model, { ...BYTES, origin: 'http://evil.test' })).code).to.equal(403)
    expect(await readdir(modelsDir)).to.deep.equal([])
  })

  it('are read and probed in another process', async () => {
    const main = path.resolve(import.meta.dirname, '../../src/cli/main.ts')
    const check = processCheck(main, ['--conditions=source'])
    const file = path.join(modelsDir, 'm.zip')
    await writeFile(file, 'PK damaged')
    const refused = await check(modelsDir).catch((error: unknown) => error)
    expect(refused).to.be.instanceOf(ModelError)
    expect((refused as ModelError).message).to.match(/^m\.zip: /)
    await cp(MODEL, file)
    await check(modelsDir)
  })
})
