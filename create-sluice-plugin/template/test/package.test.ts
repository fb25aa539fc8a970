import assert from 'node:assert/strict'
import { it } from 'node:test'
import path from 'node:path'
import { loadPackage } from 'sluice/testing'

it('the package, once it is built, loads as in a worker', async () => {
  const plugins = await loadPackage(path.resolve(import.meta.dirname, '..'))
  assert.deepEqual(
    plugins.map(({ kind, name }) => `${kind} ${name}`),
    ['source MyPluginFolderSource', 'sink MyPluginFolderSink', 'transform MyPluginUnits'],
  )
})
