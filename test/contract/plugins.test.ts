import { expect } from 'chai'
import { describe, it } from 'mocha'
import path from 'node:path'
import { type Example, isStruct, SILENT, struct, type TransformPlugin, type Value } from '../../src/index.ts'
import { labellersWithin } from '../../src/inference/images/image-labeller.ts'
import { ModelStore } from '../../src/inference/store/model-store.ts'
import {
  connectors,
  converters,
  findPredicate,
  findTransform,
  predicates,
  transformClasses,
  transforms,
} from '../../src/runtime/plugins/plugins.ts'
import { batchOf, complete } from '../support/example-batch.ts'

const models = new ModelStore({
  modelsDir: path.resolve(import.meta.dirname, '../../models'),
  allowedDirs: [],
  log: SILENT,
})

/** What the example with locations needs its operator to allow. */
const images = { dirs: ['/tmp'], origins: ['https://images.example.com'], privateAddresses: false }

async function open(plugin: TransformPlugin, example: Example) {
  return plugin.open(plugin.config.read(example.config), {
    ...{ side: 'value', models, log: SILENT },
    openImageLabeller: labellersWithin(images),
  })
}

/** Numbers that are nearly the wanted ones become these: another processor may round the last digit of a float otherwise. */
function settled(found: Value, wanted: Value): Value {
  if (typeof found === 'number' && typeof wanted === 'number') {
    return Math.abs(found - wanted) <= 1e-6 * Math.max(1, Math.abs(wanted)) ? wanted : found
  }
  if (Array.isArray(found) && Array.isArray(wanted)) {
    return found.map((each: Value, i) => settled(each, (wanted as readonly Value[])[i] ?? null))
  }
  if (!isStruct(found) || !isStruct(wanted)) return found
  return struct(
    Object.fromEntries(
      Object.entries(found).map(([name, value]) => [name, settled(value, wanted[name] ?? null)]),
    ),
  )
}

describe('every plugin', () => {
  for (const plugin of [...connectors, ...transforms, ...predicates, ...converters]) {
    it(`${plugin.name} says what it is for, and documents each of its keys`, () => {
      expect(plugin.summary).to.match(/\S.*\.$/)
      expect(plugin.version).to.match(/^\d+\.\d+\.\d+/)
      for (const [name, key] of Object.entries(plugin.config.keys)) expect(key.doc, name).to.match(/\S/)
    })
  }

  it('has a name of its own', () => {
    const names = [...connectors, ...transforms, ...predicates, ...converters].map((plugin) => plugin.name)
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
        const transform = await open(plugin, example)
        const batch = batchOf(example.have)
        const before = example.have.map((_, row) => batch.record(row))
        const result = await transform.apply(batch)
        expect(result.length).to.equal(batch.length)
        example.want.forEach((want, row) => {
          if (want === null) expect(result.isLive(row)).to.equal(false)
          else if ('error' in want) expect(result.failure(row)?.code).to.equal(want.error)
          else {
            expect(result.failure(row)?.message).to.equal(undefined)
            const { key, value, headers, topic } = complete(want)
            expect(settled(result.record(row).value, value)).to.deep.equal(value)
            if (want.key !== undefined) expect(result.record(row).key).to.deep.equal(key)
            if (want.topic !== undefined) expect(result.topic(row)).to.equal(topic)
            if (want.valueSchema !== undefined)
              expect(result.record(row).valueSchema).to.deep.equal(want.valueSchema)
            if (want.headers !== undefined) expect(result.headers(row)).to.deep.equal(headers)
          }
        })
        expect(example.have.map((_, row) => batch.record(row))).to.deep.equal(before)
        transform.close?.()
        transform.close?.()
      })
    }
  }
})
