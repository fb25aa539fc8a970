import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { struct } from '../../../src/index.ts'
import { findPackages } from '../../../src/runtime/plugins/find-packages.ts'
import { forgetLeftOut, type PackageProblem } from '../../../src/runtime/plugins/left-out.ts'
import { loadPackages } from '../../../src/runtime/plugins/plugin-packages.ts'
import {
  findConfigProvider,
  findConnector,
  findConverter,
  findPredicate,
  findTransform,
  originOf,
} from '../../../src/runtime/plugins/plugins.ts'
import { applyTransform } from '../../../src/testing/index.ts'
import { codeBlock } from '../../support/pages.ts'
import { sinkCode, transformCode, writePackage } from '../../support/plugin-package.ts'

describe('packages of plugins', () => {
  let folder: string
  let problems: PackageProblem[]
  const tell = (problem: PackageProblem): void => void problems.push(problem)

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-packages-'))
    problems = []
  })
  afterEach(() => {
    forgetLeftOut()
    return rm(folder, { recursive: true, force: true })
  })

  describe('are found', () => {
    it('in a folder of plugin.path: itself, below it, below a scope, and installed in it', async () => {
      const own = await writePackage(folder, 'own', '')
      const expected = [
        own,
        await writePackage(own, 'below', '', { keywords: [] }),
        await writePackage(own, '@acme/scoped', ''),
        await writePackage(own, 'node_modules/installed', ''),
      ]
      await writePackage(own, 'node_modules/another', '', { keywords: [] })
      await mkdir(path.join(own, 'no-package'))
      expect(findPackages([own], path.join(folder, 'none'), tell)).to.have.members(expected)
      expect(problems).to.deep.equal([])
    })

    it('in node_modules beside the worker, by their keyword', async () => {
      const found = await writePackage(folder, 'node_modules/@acme/mine', '')
      await writePackage(folder, 'node_modules/other', '', { keywords: ['kafka'] })
      expect(findPackages([], folder, tell)).to.deep.equal([found])
    })

    it('and a folder that is missing, or none, or without any, is told', async () => {
      const file = path.join(folder, 'file.jar')
      await writeFile(file, '')
      expect(findPackages([path.join(folder, 'none'), file, folder], folder, tell)).to.deep.equal([])
      expect(problems.map(({ reason }) => reason.split(' ').slice(-3).join(' '))).to.deep.equal([
        'does not exist',
        'must name folders',
        'are not loaded',
      ])
    })

    it('and one that should be one and lacks its keyword, or cannot be read, is told', async () => {
      const keywords = { keywords: ['kafka'] }
      const forSluice = { ...keywords, peerDependencies: { sluice: '^0.1.0' } }
      const alone = await writePackage(folder, 'alone', '', keywords)
      const project = await writePackage(folder, 'project', '', forSluice)
      const below = await writePackage(project, 'node_modules/below', '')
      const beside = await writePackage(folder, 'node_modules/beside', '', forSluice)
      const broken = path.join(folder, 'broken')
      await mkdir(broken)
      await writeFile(path.join(broken, 'package.json'), '{')
      expect(findPackages([alone, project, broken], folder, tell)).to.deep.equal([below])
      const lacks = 'its package.json lacks the keyword sluice-plugin. Add "keywords": ["sluice-plugin"]'
      expect(problems).to.deep.equal([
        { folder: alone, reason: lacks },
        { folder: project, reason: lacks },
        { folder: broken, reason: 'its package.json cannot be read: it is no JSON' },
        { folder: beside, reason: lacks },
      ])
    })

    it('and a folder of packages may have a package.json of its own', async () => {
      const worker = await writePackage(folder, 'worker', '', { keywords: [] })
      const found = await writePackage(worker, 'below', '')
      expect(findPackages([worker], path.join(folder, 'none'), tell)).to.deep.equal([found])
      expect(problems).to.deep.equal([])
    })
  })

  it('give plugins that configurations can name, and that know where they came from', async () => {
    const [first, second] = [
      await writePackage(folder, 'first', transformCode('PackagedUpper')),
      await writePackage(folder, 'second', sinkCode('PackagedSink')),
    ]
    await loadPackages([first, second], tell)
    expect(problems).to.deep.equal([])
    expect(originOf(findTransform('PackagedUpper$Value').plugin)).to.deep.equal({
      folder: first,
      label: 'first 1.0.0',
    })
    expect(originOf(findConnector('PackagedSink'))?.folder).to.equal(second)
    expect(originOf(findConnector('TopicSink'))).to.equal(undefined)
  })

  it('are imported by what their exports say', async () => {
    const exports = { '.': { types: './x.d.ts', import: './index.js' } }
    const own = await writePackage(folder, 'by-exports', sinkCode('ByExports'), { exports, main: 'none.js' })
    await loadPackages([own], tell)
    expect(findConnector('ByExports').version).to.equal('4.5.6')
  })

  it('may be CommonJS', async () => {
    const code = (name: string) =>
      sinkCode(name).replaceAll(/^import (.*) from (.*)$/gm, 'const $1 = require($2)')
    const packages = await Promise.all(
      ['module.exports =', 'exports.default =', 'exports.plugins ='].map((exporting, i) =>
        writePackage(folder, `common-${i}`, code(`Common${i}`).replace('export default', exporting), {
          type: 'commonjs',
        }),
      ),
    )
    await loadPackages(packages, tell)
    expect(problems).to.deep.equal([])
    for (const [i, each] of packages.entries())
      expect(originOf(findConnector(`Common${i}`))?.folder).to.equal(each)
  })

  it('are loaded once, however often they are asked for', async () => {
    const own = await writePackage(folder, 'once', sinkCode('LoadedOnce'))
    await loadPackages([own], tell)
    await loadPackages([own], tell)
    expect(problems).to.deep.equal([])
  })

  const plugin = (text: string): string => `export default ${text}`
  const bad: readonly [string, string, RegExp, Record<string, unknown>?][] = [
    ['that throws while it loads', 'throw new Error("no licence")', /no licence/],
    ['with a syntax error', 'export default {', /Unexpected/],
    ['without an export', 'export const something = 1', /exports no plugins/],
    ['whose native code is missing', 'import "./missing.node"', /missing\.node.*npm rebuild/],
    [
      'that imports what is not installed',
      'import "a-package-that-nobody-has"',
      /a-package-that-nobody-has.*Run npm install/,
    ],
    [
      'of which the native code is broken',
      'process.dlopen({ exports: {} }, process.execPath)',
      /cannot dynamically load.*npm rebuild/,
    ],
    [
      'that uses what Sluice does not have',
      'import { definConfig } from "sluice"',
      /'sluice' does not .*definConfig/,
    ],
    ['without a file to import', '', /no index\.js, and .*"main"/, { main: undefined }],
    ['that was not built', '', /dist\/index\.js, which is not there/, { main: 'dist/index.js' }],
    ['with something that is no plugin', plugin('["text"]'), /no plugin/],
    ['with its plugins in an object', plugin('{ mine: { kind: "sink" } }'), /no plugin: export an array/],
    ['with a class of plugins', plugin('class Mine {}'), /no plugin: export an array/],
    ['with an empty array', plugin('[]'), /exports no plugins: export an array/],
    ['with a plugin without a name', plugin('{ kind: "sink" }'), /no name/],
    ['with a name that is none', plugin('{ name: "A$Value" }'), /"A\$Value" is no name for a plugin/],
    [
      'with a plugin of an unknown kind',
      plugin('{ name: "A", kind: "magic", version: "1", config: { keys: {}, read() {} }, open() {} }'),
      /kind that does not exist, magic/,
    ],
    [
      'with a source without task configs',
      plugin('{ name: "A", kind: "source", version: "1", config: { keys: {}, read() {} }, open() {} }'),
      /no function taskConfigs/,
    ],
    [
      'with a plugin without a config',
      plugin('{ name: "A", kind: "sink", version: "1", open() {} }'),
      /no config/,
    ],
    ['with a plugin of a name that Sluice has', sinkCode('TopicSink'), /Sluice has one of that name/],
  ]
  for (const [what, code, reason, manifest] of bad)
    it(`${what} are left out with the reason, and the next is loaded`, async () => {
      const good = `After${bad.findIndex(([each]) => each === what)}`
      const packages = [
        await writePackage(folder, 'bad', code, manifest),
        await writePackage(folder, 'good', sinkCode(good)),
      ]
      await loadPackages(packages, tell)
      expect(problems).to.have.length(1)
      expect(problems[0]).to.include({ folder: packages[0], package: 'bad 1.0.0' })
      expect(problems[0]?.reason).to.match(reason)
      expect(findConnector(good).name).to.equal(good)
    })

  it('with a plugin that takes a Java name that Sluice has are left out', async () => {
    const code = `export default { kind: 'predicate', name: 'MyNames', version: '1', summary: 'A.', config: { keys: {}, read() {} },
      aliases: ['org.apache.kafka.connect.transforms.predicates.TopicNameMatches'], open() {} }`
    await loadPackages([await writePackage(folder, 'alias', code)], tell)
    expect(problems.map(({ reason }) => reason)).to.deep.equal([
      'plugin MyNames 1 is left out: Sluice has one of that name already (org.apache.kafka.connect.transforms.predicates.TopicNameMatches)',
    ])
    expect(findPredicate('org.apache.kafka.connect.transforms.predicates.TopicNameMatches').name).to.equal(
      'TopicNameMatches',
    )
  })

  it('that were left out are named by the error for an unknown class, of whatever kind', async () => {
    const broken = await writePackage(folder, 'acme-broken', 'throw new Error("no licence")', {
      version: '2.3.4',
    })
    const wrong = await writePackage(
      folder,
      'acme-wrong',
      plugin('{ name: "AcmeNothing", kind: "sink", version: "1" }'),
    )
    await loadPackages([broken, wrong], tell)
    findPackages([path.join(folder, 'none')], folder, tell)
    const told = (look: () => unknown): string => {
      try {
        look()
      } catch (error) {
        return (error as Error).message
      }
      return expect.fail('found')
    }
    const noLicence = `acme-broken 2.3.4 in ${broken} (no licence)`
    const noFolder = `${path.join(folder, 'none')} (plugin.path names a folder that does not exist)`
    const lookUps = [findConnector, findTransform, findPredicate, findConverter, findConfigProvider]
    for (const look of lookUps) {
      const said = told(() => look('AcmeSomething'))
      expect(said).to.match(
        /^There is no [a-z ]+ "AcmeSomething"\. The nearest names: \S+, \S+, \S+\. Left out/,
      )
      expect(said)
        .to.match(/Left out when this worker started: .*\.$/)
        .and.to.contain(`${noLicence}; ${noFolder}.`)
    }
    expect(told(() => findConnector('com.acme.AcmeNothing')))
      .to.contain(noLicence)
      .and.to.contain(
        `acme-wrong 1.0.0 in ${wrong} (plugin AcmeNothing has no config: make it with defineConfig)`,
      )
  })

  it('of which two have a plugin of one name and version: the second is left out, naming the first', async () => {
    const packages = [
      await writePackage(folder, 'one', sinkCode('SameName')),
      await writePackage(folder, 'two', sinkCode('SameName')),
    ]
    await loadPackages(packages, tell)
    expect(problems).to.have.length(1)
    expect(problems[0]).to.deep.equal({
      folder: packages[1],
      package: 'two 1.0.0',
      plugin: 'SameName',
      reason: `plugin SameName 4.5.6 is left out: one 1.0.0 in ${packages[0]} has that version already`,
    })
    expect(originOf(findConnector('SameName'))?.folder).to.equal(packages[0])
  })
})

describe('the guide to plugins', () => {
  it('shows a package that loads and does what it says', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'sluice-guide-'))
    try {
      const code = codeBlock('docs/plugins.md', 'import { DataError')
      const manifest = JSON.parse(codeBlock('docs/plugins.md', '{\n  "name": "acme-text"')) as Record<
        string,
        unknown
      >
      const own = await writePackage(folder, 'acme-text', code, manifest)
      const problems: PackageProblem[] = []
      await loadPackages(
        findPackages([folder], folder, (problem) => problems.push(problem)),
        (problem) => problems.push(problem),
      )
      expect(problems).to.deep.equal([])
      const { plugin } = findTransform('SmallLetters$Value')
      expect(originOf(plugin)?.folder).to.equal(own)
      const records = [{ value: struct({ a: 'UA' }) }, { value: 'no struct' }]
      const [passed, failed] = await applyTransform(plugin, { field: 'a' }, records)
      expect(passed).to.deep.include({ value: struct({ a: 'ua' }) })
      expect(failed).to.include({ code: 'record.field' })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
