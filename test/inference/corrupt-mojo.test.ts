import { expect } from 'chai'
import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { before, describe, it } from 'mocha'
import path from 'node:path'
import { ModelError } from '../../src/api/errors.ts'
import { type Feature, TreeBuilder } from '../../src/inference/engines/tree-ensemble.ts'
import { readMojo } from '../../src/inference/readers/h2o/h2o-mojo.ts'
import { MojoTreeReader } from '../../src/inference/readers/h2o/mojo-trees.ts'
import { openZip } from '../../src/inference/readers/zip.ts'
import { columnsFor, FIXTURES, readTable } from '../support/model-fixtures.ts'
import { runs } from '../support/runs.ts'
import { zipOf } from '../support/zip-writer.ts'

const FILE = path.join(FIXTURES, 'binomial-na/model.zip')
const original = readFileSync(FILE)
const rows = readTable(path.join(FIXTURES, 'binomial-na/input.csv.gz'))

async function scoresOf(bytes: Buffer): Promise<string> {
  const model = readMojo(bytes)
  const { outputs } = await model.score(columnsFor(model, rows), rows.rows.length, model.decision)
  return outputs.map(({ values }) => values.join()).join()
}

/** Undefined where the bytes are refused in order. */
async function scoresUnlessRefused(bytes: Buffer): Promise<string | undefined> {
  try {
    return await scoresOf(bytes)
  } catch (error) {
    if (error instanceof ModelError && /^model\.(corrupt|unsupported)$/.test(error.code)) return undefined
    throw error
  }
}

/** The original MOJO with some entries replaced; their checksums are right. */
function rebuilt(change: (name: string, content: Buffer) => Buffer | null): Buffer {
  const zip = openZip(original)
  const trees = Array.from({ length: 12 }, (_, i) => `trees/t00_${String(i).padStart(3, '0')}.bin`)
  const domains = [0, 1, 2, 3].map((i) => `domains/d00${i}.txt`)
  const entries = ['model.ini', ...domains, ...trees].map((name) => ({
    name,
    content: change(name, zip.read(name)),
  }))
  return zipOf(entries.filter((entry): entry is { name: string; content: Buffer } => entry.content !== null))
}

function withIni(from: string | RegExp, to: string): Buffer {
  return rebuilt((name, content) =>
    name === 'model.ini' ? Buffer.from(content.toString('utf8').replace(from, to)) : content,
  )
}

describe('a damaged MOJO', () => {
  let right: string
  before(async () => {
    right = await scoresOf(original)
  })

  it('that is only packed again scores as before', async () => {
    expect(await scoresOf(rebuilt((_, content) => content))).to.equal(right)
  })

  it('is refused when truncated anywhere', async () => {
    for (let length = 0; length < original.length; length += 61) {
      expect(await scoresUnlessRefused(original.subarray(0, length)), String(length)).to.equal(undefined)
    }
  })

  it('is refused, or scores as before, when one byte of it changes', async () => {
    let refused = 0
    const step = runs(11, 3)
    for (let at = 0; at < original.length; at += step) {
      const bytes = Buffer.from(original)
      bytes[at] = bytes[at]! ^ (1 << (at & 7))
      const scores = await scoresUnlessRefused(bytes)
      if (scores === undefined) refused++
      else expect(scores, `byte ${at}`).to.equal(right)
    }
    // What is left are dates, versions and attributes, which nobody reads.
    expect(refused / (original.length / step)).to.be.greaterThan(0.5)
  })

  it('is refused when a tree is missing', () => {
    const bytes = rebuilt((name, content) => (name === 'trees/t00_004.bin' ? null : content))
    expect(() => readMojo(bytes)).to.throw(ModelError, 'lacks tree 4')
  })

  it('never crashes or hangs on a tree with a wrong byte and a right checksum', async () => {
    for (let at = 0; at < 120; at += runs(5, 1)) {
      for (const value of [0, 1, 12, 48, 64, 127, 255]) {
        const bytes = rebuilt((name, content) => {
          if (name === 'trees/t00_000.bin' && at < content.length) content[at] = value
          return content
        })
        await scoresUnlessRefused(bytes)
      }
    }
  })

  it('is refused where model.ini contradicts itself or the archive', () => {
    for (const [from, to] of [
      [/n_trees = 12/, 'n_trees = 13'],
      [/n_trees = 12/, 'n_trees = 2000000000'],
      [/n_trees = 12/, 'n_trees = -1'],
      [/n_trees_per_class = 1/, 'n_trees_per_class = 3'],
      [/n_columns = 10/, 'n_columns = 11'],
      [/n_features = 9/, 'n_features = 90'],
      [/n_features = 9/, 'n_features = 2'],
      [/n_classes = 2/, 'n_classes = 3'],
      [/init_f = .*/, 'init_f = many'],
      [/5: 16 d000.txt/, '5: 17 d000.txt'],
      [/5: 16 d000.txt/, '5: 16 nope.txt'],
      [/\[columns\]/, '[colums]'],
      [/algorithm = .*/, ''],
      [/DayOfWeek/, 'Month'],
    ] as const) {
      expect(() => readMojo(withIni(from, to)), to)
        .to.throw(ModelError)
        .with.property('code', 'model.corrupt')
    }
  })

  it('of a version, distribution or kind that is unknown is refused by name', () => {
    for (const [from, to] of [
      [/mojo_version = 1.40/, 'mojo_version = 1.50'],
      [/mojo_version = 1.40/, 'mojo_version = 0.90'],
      [/distribution = bernoulli/, 'distribution = ordinal'],
      [/link_function = logit/, 'link_function = cauchit'],
      [/endianness = LITTLE_ENDIAN/, 'endianness = BIG_ENDIAN'],
      [/category = Binomial/, 'category = BinomialUplift'],
    ] as const) {
      const word = to.split(' = ')[1] ?? ''
      const thrown = expect(() => readMojo(withIni(from, to)), to).to.throw(ModelError)
      thrown.with.property('code', 'model.unsupported')
      if (word !== 'BIG_ENDIAN') thrown.with.property('message').that.includes(word)
    }
  })
})

describe('a hostile tree', () => {
  const features: Feature[] = ['numeric', 40]

  it('of random bytes is read or refused, in time that its size bounds', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(1, 1.1, 1.4), (bytes, version) => {
        const builder = new TreeBuilder(features)
        try {
          new MojoTreeReader(Buffer.from(bytes), features, version, builder).read()
          expect(builder.nodes).to.be.greaterThan(0)
        } catch (error) {
          expect(error).to.be.instanceOf(ModelError).with.property('code', 'model.corrupt')
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('of great depth is read without recursion', () => {
    // Left leaf, right subtree, 100,000 times; then a leaf on the right.
    const split = Buffer.from([48, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0])
    const last = Buffer.from(split)
    last[0] = 48 | 192
    const bytes = Buffer.concat([...new Array<Buffer>(100_000).fill(split), last, Buffer.alloc(4)])
    const builder = new TreeBuilder(features)
    new MojoTreeReader(bytes, features, 1.4, builder).read()
    expect(builder.nodes).to.equal(200_003)
  })
})
