import { expect } from 'chai'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, describe, it } from 'mocha'
import path from 'node:path'
import { freePort } from '../../src/dev/ports.ts'
import { INSTALL_ONNXRUNTIME } from '../../src/inference/engines/install-onnxruntime.ts'
import { eventually } from '../support/eventually.ts'
import { NETWORKS } from '../support/network-fixtures.ts'
import { startProcess, type StartedProcess, UNSUPERVISED } from '../support/process.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
/** Makes the optional package absent for one process. */
const HOOK = `data:text/javascript,${encodeURIComponent(`
import { registerHooks } from 'node:module'
registerHooks({ resolve(name, context, next) {
  if (name === 'onnxruntime-node') throw new Error('Cannot find package')
  return next(name, context)
} })`)}`

const SLUICE = ['--conditions=source', '--import', HOOK, 'src/cli/main.ts']

function inspect(model: string) {
  return spawnSync(process.execPath, [...SLUICE, 'models', 'inspect', model, ...UNSUPERVISED], {
    cwd: ROOT,
    encoding: 'utf8',
  })
}

describe('without onnxruntime-node', () => {
  let worker: StartedProcess | undefined

  after(() => worker?.kill())

  it('a worker says at its start what cannot run, and the command that helps', async () => {
    const env = {
      CONNECT_BOOTSTRAP_SERVERS: `127.0.0.1:${await freePort()}`,
      CONNECT_LISTENERS: `http://127.0.0.1:${await freePort()}`,
    }
    worker = startProcess(process.execPath, [...SLUICE, 'worker', 'config/worker.json'], { env })
    const warned = () => /"warn".*networks .* cannot run.*/.exec(worker?.stderr() ?? '')?.[0]
    expect(await eventually(warned)).to.contain(`Run: ${INSTALL_ONNXRUNTIME}"`)
  })

  it('the README and the guide of models name this command', () => {
    for (const page of ['README.md', 'docs/models.md'])
      expect(readFileSync(path.join(ROOT, page), 'utf8')).to.contain(`\`${INSTALL_ONNXRUNTIME}\``)
  })

  it('a network is refused with what to install', () => {
    for (const file of ['onnx/softmax.onnx', 'dl4j/regression.zip', 'keras/mlp.h5']) {
      const { status, stderr } = inspect(path.join(NETWORKS, file))
      expect(status).to.equal(1)
      expect(stderr).to.include('needs the package onnxruntime-node').and.to.include(INSTALL_ONNXRUNTIME)
    }
  })

  it('trees are scored all the same', () => {
    expect(inspect('airline-delay').stdout).to.include('probes        198')
  })
})
