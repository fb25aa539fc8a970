import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { loadPackage } from '../../src/testing/index.ts'
import { sinkCode, writePackage } from '../support/plugin-package.ts'
import { rejection } from '../support/rejection.ts'

describe('loadPackage', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-load-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('gives the plugins of a package, and no others, however often it is asked', async () => {
    const own = await writePackage(folder, 'own', sinkCode('LoadedSink'))
    await writePackage(own, 'node_modules/another', sinkCode('AnotherSink'))
    await writePackage(own, 'node_modules/unnamed', '', { keywords: [], peerDependencies: { sluice: '*' } })
    const expected = [{ kind: 'sink', name: 'LoadedSink', version: '4.5.6' }]
    expect(await loadPackage(own)).to.deep.equal(expected)
    expect(await loadPackage(path.relative(process.cwd(), own))).to.deep.equal(expected)
  })

  it('says all that a worker would say of it', async () => {
    const twin = `${sinkCode('TopicSink')}\nexport const plugins = ['text']`
    const own = await writePackage(folder, 'own', twin)
    expect((await rejection(loadPackage(own))).message).to.equal(
      `${own}: plugin TopicSink 4.5.6 is left out: Sluice has one of that name already; it exports something that is no plugin: export an array of plugins, as default or as \`plugins\`.`,
    )
    const none = path.join(folder, 'none')
    expect((await rejection(loadPackage(none))).message).to.contain(
      `${none}: plugin.path names a folder that`,
    )
    const unnamed = await writePackage(folder, 'unnamed', sinkCode('Unnamed'), { keywords: [] })
    await writePackage(unnamed, 'node_modules/another', sinkCode('OneMore'))
    expect((await rejection(loadPackage(unnamed))).message).to.contain('lacks the keyword')
  })
})
