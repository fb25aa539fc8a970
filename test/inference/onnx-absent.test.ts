import { expect } from 'chai'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'mocha'
import path from 'node:path'
import { NETWORKS } from '../support/network-fixtures.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
/** Makes the optional package absent for one process. */
const HOOK = `data:text/javascript,${encodeURIComponent(`
import { registerHooks } from 'node:module'
registerHooks({ resolve(name, context, next) {
  if (name === 'onnxruntime-node') throw new Error('Cannot find package')
  return next(name, context)
} })`)}`

function inspect(model: string) {
  const command = ['--conditions=source', '--import', HOOK, 'src/cli/main.ts', 'models', 'inspect', model]
  return spawnSync(process.execPath, command, { cwd: ROOT, encoding: 'utf8' })
}

describe('without onnxruntime-node', () => {
  it('a network is refused with what to install', () => {
    for (const file of ['onnx/softmax.onnx', 'dl4j/regression.zip', 'keras/mlp.h5']) {
      const { status, stderr } = inspect(path.join(NETWORKS, file))
      expect(status).to.equal(1)
      expect(stderr).to.include('needs the package onnxruntime-node').and.to.include('npm install')
    }
  })

  it('trees are scored all the same', () => {
    expect(inspect('airline-delay').stdout).to.include('probes        198')
  })
})
