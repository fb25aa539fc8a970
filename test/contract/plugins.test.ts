import { expect } from 'chai'
import { describe, it } from 'mocha'
import path from 'node:path'
import { SILENT } from '../../src/index.ts'
import { labellersWithin } from '../../src/inference/images/image-labeller.ts'
import { ModelStore } from '../../src/inference/store/model-store.ts'
import {
  connectors,
  converters,
  findPredicate,
  findTransform,
  originOf,
  predicates,
  transformClasses,
  transforms,
} from '../../src/runtime/plugins/plugins.ts'
import { runExample } from '../../src/testing/index.ts'

const models = new ModelStore({
  modelsDir: path.resolve(import.meta.dirname, '../../models'),
  allowedDirs: [],
  log: SILENT,
})

/** What the example with locations needs its operator to allow. */
const images = { dirs: ['/tmp'], origins: ['https://images.example.com'], privateAddresses: false }

describe('every plugin', () => {
  for (const plugin of [...connectors, ...transforms, ...predicates, ...converters]) {
    it(`${plugin.name} says what it is for, and documents each of its keys`, () => {
      expect(plugin.summary).to.match(/\S.*\.$/)
      expect(plugin.version).to.match(/^\d+\.\d+\.\d+/)
      for (const [name, key] of Object.entries(plugin.config.keys)) expect(key.doc, name).to.match(/\S/)
    })
  }

  it('has a name of its own', () => {
    const all = [...connectors, ...transforms, ...predicates, ...converters]
    const own = all.filter((plugin) => originOf(plugin) === undefined) // packages may have brought some to other tests
    const names = own.map((plugin) => plugin.name)
    expect(new Set(names).size).to.equal(names.length)
  })
})

describe('every predicate', () => {
  for (const plugin of predicates) {
    it(`${plugin.name} is found under its names`, () => {
      for (const name of [plugin.name, ...plugin.aliases]) expect(findPredicate(name)).to.equal(plugin)
    })
  }
})

describe('every transform', () => {
  for (const plugin of transforms) {
    it(`${plugin.name} is found under its class names`, () => {
      for (const name of transformClasses(plugin)) expect(findTransform(name).plugin).to.equal(plugin)
    })

    it(`${plugin.name} is found under its Java names`, () => {
      const suffixes = plugin.level === 'record' ? [''] : ['$Key', '$Value']
      for (const name of plugin.aliases ?? [])
        for (const suffix of suffixes) expect(findTransform(name + suffix).plugin).to.equal(plugin)
      const wrong = plugin.level === 'record' ? `${plugin.name}$Value` : plugin.name
      expect(() => findTransform(wrong)).to.throw('There is no transform')
    })

    it(`${plugin.name} has examples`, () => {
      expect(plugin.examples.length).to.be.greaterThan(0)
    })

    for (const example of plugin.examples) {
      it(`${plugin.name}: ${example.summary}`, async () => {
        // another processor may round the last digit of a float otherwise
        const openImageLabeller = labellersWithin(images)
        await runExample(plugin, example, { models, openImageLabeller, tolerance: 1e-6 })
      })
    }
  }
})
