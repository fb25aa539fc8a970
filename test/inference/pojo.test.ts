import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { ModelError } from '../../src/api/errors.ts'
import { readPojo } from '../../src/inference/readers/pojo/pojo-model.ts'
import { columnsFor, compare, readTable } from '../support/model-fixtures.ts'

const FIXTURES = path.resolve(import.meta.dirname, '../fixtures/pojo')
const names = readdirSync(FIXTURES, { withFileTypes: true }).filter((entry) => entry.isDirectory())

function sourceOf(name: string): string {
  return gunzipSync(readFileSync(path.join(FIXTURES, name, 'model.java.gz'))).toString('utf8')
}

function read(source: string) {
  return readPojo(Buffer.from(source))
}

/** What is said of a source that is refused. */
function refusal(source: string | Buffer): ModelError {
  try {
    readPojo(Buffer.from(source))
  } catch (error) {
    if (error instanceof ModelError) return error
    throw error
  }
  throw new Error('it was read')
}

/** Changes a source in one place, which must be there. */
function change(source: string, from: string | RegExp, to: string): string {
  const changed = source.replace(from, () => to)
  expect(changed).not.to.equal(source)
  return changed
}

describe('an H2O POJO', () => {
  it('has fixtures of both algorithms and both of their generations', () => {
    expect(names.map(({ name }) => name)).to.include.members([
      'gbm-flight',
      'gbm-deep',
      'dl-flight',
      'dl-flight-old',
      'dl-tanh-old',
    ])
  })

  for (const { name } of names) {
    it(`${name} scores as it does when it is compiled`, async () => {
      const folder = path.join(FIXTURES, name)
      const found = await compare(
        read(sourceOf(name)),
        readTable(path.join(folder, 'input.csv.gz')),
        readTable(path.join(folder, 'expected.csv.gz')),
      )
      expect(found.rows).to.be.greaterThan(100)
      expect(found.labels).to.equal(0)
      expect(found.largest).to.be.lessThan(1e-12)
    })
  }

  it('says what the file is', () => {
    const model = read(sourceOf('gbm-flight'))
    expect(model).to.include({ format: 'h2o-pojo', formatVersion: '3.46.0.6', algorithm: 'gbm' })
    expect(model.labels).to.deep.equal(['NO', 'YES'])
    expect(model.decision?.thresholdClass).to.equal('YES')
    expect(model.decision?.threshold).to.be.within(0.1, 0.9).and.not.equal(0.5)
    expect(model.inputs.map(({ name }) => name)).to.deep.equal(
      'Year Month DayofMonth DayOfWeek CRSDepTime UniqueCarrier Origin Dest'.split(' '),
    )
    expect(model.inputs[6]?.domain).to.deep.equal(['EWR', 'JFK', 'LGA'])
    expect(read(sourceOf('autoencoder'))).to.deep.include({
      task: 'anomaly',
      outputs: ['reconstructionError'],
    })
  })

  it('keeps the two meanings of a missing category apart', async () => {
    const input = { header: ['Year', 'Month'], rows: [['1987', '10']] }
    const scores = ['dl-flight', 'dl-flight-old'].map(async (name) => {
      const model = read(sourceOf(name))
      return model.score(columnsFor(model, input), 1, model.decision)
    })
    const [newer, older] = (await Promise.all(scores)).map(({ outputs }) => outputs[1]?.values[0])
    expect(newer).not.to.equal(older)
  })

  it('is read without a package, with other line ends, and with the levels escaped', () => {
    const source = sourceOf('gbm-multinomial')
    const plain = read(source)
    const windows = read(`package com.example.models;\n${source}`.replaceAll('\n', '\r\n'))
    expect(windows.inputs).to.deep.equal(plain.inputs)
    const escaped = change(source, 'sa[0] = "EWR";', String.raw`sa[0] = "E\u0057\"\\\n";`)
    expect(read(escaped).inputs.find(({ name }) => name === 'Origin')?.domain?.[0]).to.equal('EW"\\\n')
  })
})

describe('a string of a POJO that nobody reads', () => {
  it('may have escapes that are none: H2O writes the levels into the header of an autoencoder as they are', () => {
    const start = 'public String getHeader() { return "'
    const header = change(sourceOf('autoencoder'), start, String.raw`${start}C:\data`)
    expect(read(header).algorithm).to.equal('autoencoder')
  })
})

describe('columns that a POJO does not use, such as weights,', () => {
  it('stand between its features and its response, and change nothing', async () => {
    const folder = path.join(FIXTURES, 'gbm-flight')
    const weighted = change(
      sourceOf('gbm-flight'),
      '/* IsDepDelayed */',
      '/* Weight */ null, /* IsDepDelayed */',
    )
    const found = await compare(
      read(weighted),
      readTable(path.join(folder, 'input.csv.gz')),
      readTable(path.join(folder, 'expected.csv.gz')),
    )
    expect(found).to.include({ labels: 0 })
    expect(found.largest).to.be.lessThan(1e-12)
  })
})

describe('a POJO that is not as H2O writes it', () => {
  const gbm = sourceOf('gbm-flight')
  const network = sourceOf('dl-tanh')

  it('is refused by its algorithm', () => {
    for (const algorithm of ['drf', 'glm', 'kmeans', 'xgboost']) {
      const error = refusal(change(gbm, 'algorithm="gbm"', `algorithm="${algorithm}"`))
      expect(error.code).to.equal('model.unsupported')
      expect(error.message).to.include(`"${algorithm}"`)
      // what is not read from a MOJO either is not to be exported as one
      expect(error.message.includes('MOJO, or')).to.equal(['drf', 'glm'].includes(algorithm))
    }
  })

  it('is refused by its encoding of categories', () => {
    const method =
      'hex.genmodel.CategoricalEncoding getCategoricalEncoding() { return hex.genmodel.CategoricalEncoding'
    const encoded = (name: string) =>
      change(gbm, 'public int nclasses()', `@Override public ${method}.${name}; }\n  public int nclasses()`)
    expect(refusal(encoded('EnumLimited')).message).to.include('encodes categories as EnumLimited')
    expect(read(encoded('SortByResponse')).algorithm).to.equal('gbm')
  })

  it('is refused with the line of what is not understood', () => {
    const lines = gbm.split('\n')
    const at = lines.findIndex((line) => line.includes('preds[1] = 1.0-preds[2];'))
    const error = refusal(change(gbm, 'preds[1] = 1.0-preds[2];', 'preds[1] = 2.0-preds[2];'))
    expect(error.message).to.include(`line ${at + 1} of the POJO`)
  })

  const changes: readonly (readonly [string, string, string | RegExp, string])[] = [
    ['runs something', gbm, 'java.util.Arrays.fill(preds,0);', 'System.exit(1);'],
    ['runs something at the end', gbm, 'return preds;', 'preds[0] = Math.random(); return preds;'],
    ['runs something in a static block', gbm, /static \{/, 'static { System.exit(1);'],
    [
      'runs something when its class is loaded',
      gbm,
      'public static final int NCLASSES',
      'static { NAMES[0] = ""; } public static final int NCLASSES',
    ],
    [
      'ends a comment where only Java sees it',
      gbm,
      '    return preds;',
      String.raw`    // \u000a preds[0] = 1;${'\n'}    return preds;`,
    ],
    ['ends a line comment with CR', gbm, '    return preds;', '    // \r preds[0] = 1;\n    return preds;'],
    ['escapes a quote where only Java sees it', gbm, 'sa[0] = "EWR";', String.raw`sa[0] = "E\u0022;`],
    ['has an octal escape', gbm, 'sa[0] = "EWR";', String.raw`sa[0] = "E\127R";`],
    ['has an octal index', gbm, 'sa[3] = "DayOfWeek";', 'sa[03] = "DayOfWeek";'],
    ['runs something in a leaf', gbm, /-0\.\d+f :/, 'Math.random() :'],
    ['has another method in a condition', gbm, 'Double.isNaN(data[7', 'Double.isInfinite(data[7'],
    ['has another comparison', gbm, /(data\[\d+[^\]]*\]) </, 'data[0] !='],
    ['asks about two columns', gbm, 'GenModel.bitSetIsInRange(', 'data[0] < 1f && GenModel.bitSetIsInRange('],
    ['asks about a column that is not there', gbm, /data\[4 [^\]]*\]/, 'data[99]'],
    [
      'asks about levels of a number',
      gbm,
      'data[4 /* CRSDepTime */] <',
      '!GenModel.bitSetIsInRange(3, 0, data[4]) || data[4] <',
    ],
    ['has a set that is too short', gbm, /GRPSPLIT0 = new byte\[\] \{[^}]*\}/, 'GRPSPLIT0 = new byte[] {1}'],
    ['has no set', gbm, /GRPSPLIT0 = /, 'GRPSPLIT999 = '],
    ['uses a tree twice', gbm, /Tree_1_class_0\.score0\(fdata\)/, 'Tree_0_class_0.score0(fdata)'],
    [
      'uses a class that is not there',
      gbm,
      /Tree_1_class_0\.score0\(fdata\)/,
      'Tree_99_class_0.score0(fdata)',
    ],
    ['has an endless array', gbm, 'new String[8]', 'new String[2000000000]'],
    ['lacks a name', gbm, 'sa[3] = "DayOfWeek";', ''],
    ['sets an item outside', gbm, 'sa[3] = "DayOfWeek";', 'sa[30] = "DayOfWeek";'],
    ['has a column twice', gbm, 'sa[3] = "DayOfWeek";', 'sa[3] = "Month";'],
    ['extends another class', gbm, 'extends GenModel', 'extends Thread'],
    [
      'has another activation',
      network,
      '1 - 2 / (1 + Math.exp(2*ACTIVATION[i][r]))',
      'Math.tanh(ACTIVATION[i][r])',
    ],
    ['has other offsets', network, /CATOFFSETS = \{0,\d+/, 'CATOFFSETS = {0,3'],
    ['has weights of another size', network, /new float\[\d+\]/, 'new float[7]'],
    ['has no standardisation', network, 'class NORMMUL ', 'class NORMMULT '],
    ['sums in another way', network, 'psum3 += a[off + 3] * x[col + 3];', ''],
  ]
  for (const [what, source, from, to] of changes) {
    it(`is refused where it ${what}`, () => {
      const error = refusal(change(source, from, to))
      expect(error.code).to.equal('model.unsupported')
      expect(error.message).to.match(/^line \d+ of the POJO: /)
    })
  }

  it('is refused where it makes much of little', () => {
    const twice = /(\w+_ColInfo_5_0\.fill\(VALUES\);)/
    const [call = ''] = twice.exec(gbm) ?? []
    expect(refusal(change(gbm, twice, call + call)).message).to.include('is used twice')
    const domain = /\w+_ColInfo_5\.VALUES/
    expect(refusal(change(gbm, domain, (/\w+_ColInfo_6\.VALUES/.exec(gbm) ?? [''])[0])).message).to.include(
      'is used twice',
    )
    const long = `data[4] < ${Array.from({ length: 50 }, () => '1f').join(' || data[4] < ')}`
    expect(refusal(change(gbm, /data\[4 [^\]]*\] < [\d.]+f/, long)).message).to.include('too long')
  })

  it('is refused where it is cut off', () => {
    for (const source of [gbm, network]) {
      for (let i = 1; i < 40; i++) {
        const cut = source.slice(0, Math.floor((source.length * i) / 40))
        // what follows the last class may be comments only
        expect(refusal(cut).code).to.equal('model.unsupported')
      }
    }
  })

  it('is read or refused, and nothing else, whatever is changed in it', () => {
    const small = sourceOf('gbm-multinomial')
    const pieces = [
      '{',
      '}',
      '(',
      ')',
      '"',
      ';',
      '/*',
      '*/',
      '\\',
      '[',
      '-',
      '9'.repeat(400),
      'null',
      'é',
      '\u0000',
    ]
    const edit = fc.record({
      at: fc.nat(small.length),
      cut: fc.nat(40),
      put: fc.constantFrom('', ...pieces),
    })
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
        let source = small
        for (const { at, cut, put } of edits) source = source.slice(0, at) + put + source.slice(at + cut)
        try {
          expect(read(source).format).to.equal('h2o-pojo')
        } catch (error) {
          expect(error).to.be.instanceOf(ModelError)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('is refused where it is no text, empty, or another Java file', () => {
    expect(refusal(Buffer.from([0xff, 0xfe, 0x00])).code).to.equal('model.corrupt')
    expect(refusal('').message).to.include('no class extends GenModel')
    expect(refusal('public class Main { public static void main(String[] a) {} }').code).to.equal(
      'model.unsupported',
    )
    expect(refusal('class A { String s = "never ends').code).to.equal('model.unsupported')
  })

  it('is refused where it is nested without end, and soon', () => {
    const tree = /double pred = [^;]*;/
    const deep = `double pred = ${'(data[0] < 1f ? '.repeat(100_000)}1f${' : 1f)'.repeat(100_000)}`
    const brackets = `double pred = ${'('.repeat(100_000)}data[0] < 1f${')'.repeat(100_000)}`
    const nots = `double pred = (${'!'.repeat(100_000)}data[0] < 1f)`
    for (const text of [deep, brackets, nots]) {
      expect(refusal(change(gbm, tree, `${text};`)).message).to.match(/deep/)
    }
    expect(refusal('class A {'.repeat(100_000)).code).to.equal('model.unsupported')
    expect(refusal(`class A { void f() ${'{'.repeat(1_000_000)}`).code).to.equal('model.unsupported')
  })
})
