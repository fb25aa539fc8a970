import { expect } from 'chai'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, it } from 'mocha'
import { differences } from '../../src/cli/json-differences.ts'
import { testConfigs, type TestOptions } from '../../src/cli/run-tests.ts'
import { parseWithFractions } from '../../src/converters/exact-json.ts'
import { DryRunFolder, JSON_SINK, refusal } from '../support/dry-run.ts'
import { REPOSITORY, sluice, UNSUPERVISED } from '../support/process.ts'

const CAST = { transforms: 'cast', 'transforms.cast.type': 'Cast$Value', 'transforms.cast.spec': 'a:int32' }

let folder: DryRunFolder

async function outcome(places: readonly string[], options: Partial<TestOptions> = {}) {
  const texts: string[] = []
  const streams = {
    out: (text: string) => Promise.resolve(void texts.push(text)),
    tell: (text: string) => void texts.push(text),
  }
  const passed = await testConfigs(places, { update: false, json: false, ...options }, streams)
  return { passed, text: texts.join('').replaceAll(folder.path + path.sep, '') }
}

/** The tests of a connector that makes a number of the field `a`. */
async function tested(file: object, options: Partial<TestOptions> = {}) {
  await folder.file('cast.json', { config: { ...JSON_SINK, ...CAST } })
  return outcome([await folder.file('cast.test.json', file)], options)
}

describe('sluice test', function () {
  this.timeout(60_000)
  before(async () => (folder = await DryRunFolder.make()))
  after(() => folder.remove())

  it('passes on the configurations that come with Sluice', async () => {
    const { passed, text } = await outcome([path.join(REPOSITORY, 'config')])
    expect(passed, text).to.equal(true)
    for (const name of ['flight-delay', 'seed-flight-gbm', 'seed-flight-dl', 'seed-iris-dl4j', 'seed-keras'])
      expect(text).to.contain(`${name}.test.json`)
    expect(text).to.match(/\n13 passed, 0 failed, [\d.]+ s\n$/)
  })

  it('shows where an output differs, is missing or was not expected', async () => {
    const input = [{ a: '1', b: [1, 2] }, { a: '2' }]
    const { passed, text } = await tested({
      cases: [
        { name: 'right', input, output: [{ a: 1, b: [1, 2] }, { a: 2 }] },
        { name: 'wrong', input, output: [{ a: 3, c: 1, b: [1] }] },
      ],
    })
    expect(passed).to.equal(false)
    expect(text.replace(/[\d.]+ s$/m, '')).to.equal(
      [
        'cast.test.json',
        '  ok    right',
        '  FAIL  wrong',
        '          output[0].a: expected 3, came 1',
        '          output[0].c: is missing, expected 1',
        '          output[0].b[1]: came unexpected: 2',
        '          output[1]: came unexpected: {"a":2}',
        '1 passed, 1 failed, \n',
      ].join('\n'),
    )
  })

  it('expects failures by their codes, drops by their number, and refusals by their words', async () => {
    const input = [{ a: '1' }, { a: 'x' }, { a: '2' }]
    const filter = {
      ...{ transforms: 'cast,drop', 'transforms.drop.type': 'Filter', 'errors.tolerance': 'all' },
      ...{ 'transforms.drop.predicate': 'p', predicates: 'p', 'predicates.p.type': 'RecordIsTombstone' },
    }
    const { passed, text } = await tested({
      cases: [
        { name: 'ends', input, output: [{ a: 1 }], failed: ['record.value'] },
        {
          name: 'goes on',
          config: { 'errors.tolerance': 'all' },
          input,
          output: [{ a: 1 }, { a: 2 }],
          failed: ['record.value'],
        },
        { name: 'drops', config: filter, input: [null, { a: '1' }, null], output: [{ a: 1 }], dropped: 2 },
        { name: 'refuses', config: { 'transforms.cast.type': 'Cats$Value' }, input: [], error: 'Cast$Value' },
      ],
    })
    expect(passed, text).to.equal(true)
    const wrong = await tested({
      cases: [
        { name: 'a', input, output: [{ a: 1 }], failed: ['record.field'] },
        { name: 'b', input: [], dropped: 1 },
        { name: 'c', input: [], error: 'anything' },
        { name: 'd', config: { 'transforms.cast.type': 'Cats$Value' }, input: [] },
        { name: 'e', config: { 'transforms.cast.type': 'Cats$Value' }, input: [], error: 'anything else' },
      ],
    })
    expect(wrong.text.match(/^ {2}FAIL/gm)).to.have.length(5)
    expect(wrong.text).to.contain('failed[0]: expected "record.field", came "record.value"')
    expect(wrong.text).to.contain('dropped: expected 1, came 0')
    expect(wrong.text).to.contain('error: expected one with "anything", none came')
  })

  it('takes records with their parts, a schema, and times that do not change', async () => {
    await folder.file('a.avsc', { type: 'record', name: 'A', fields: [{ name: 'a', type: 'string' }] })
    const { passed, text } = await tested({
      ...{ schema: 'a.avsc', with: 'timestamp,key,topic', topic: 'in' },
      config: {
        'value.converter': 'AvroConverter',
        'value.converter.schema.registry.url': 'http://nowhere:1',
      },
      cases: [
        {
          name: 'of 1970',
          input: [
            { key: 'k', value: { a: '1' } },
            { timestamp: 5, value: { a: '2' } },
          ],
          output: [
            { topic: 'out', timestamp: 0, key: 'k', value: { a: 1 } },
            { topic: 'out', timestamp: 5, key: null, value: { a: 2 } },
          ],
        },
      ],
    })
    expect(passed, text).to.equal(true)
  })

  it('takes the input of a case that is no good for a failure of that case alone', async () => {
    const { passed, text } = await tested({
      cases: [
        { name: 'bad', with: 'key', input: [{ vlaue: 1 }] },
        { name: 'good', input: [{ a: '1' }], output: [{ a: 1 }] },
      ],
    })
    expect(passed).to.equal(false)
    expect(text).to.contain('error: input[0]: A record has no "vlaue". Did you mean "value"?')
    expect(text).to.contain('  ok    good')
  })

  it('writes what comes out with --update, and nothing where that is right or the connector is refused', async () => {
    const cases = [
      { name: 'new', input: [{ a: '1' }, { a: 'x' }] },
      { name: 'right', input: [], output: [] },
      { name: 'refused', config: { 'transforms.cast.type': 'Cats$Value' }, input: [] },
    ]
    const first = await tested({ tolerance: 1e-9, cases }, { update: true })
    expect(first.passed).to.equal(false)
    expect(first.text).to.match(/1 passed, 1 failed, 1 updated, /)
    const file = path.join(folder.path, 'cast.test.json')
    expect(JSON.parse(await readFile(file, 'utf8'))).to.deep.equal({
      tolerance: 1e-9,
      cases: [{ ...cases[0], output: [{ a: 1 }], failed: ['record.value'] }, ...cases.slice(1)],
    })
    expect((await outcome([file], { filter: 'new' })).passed).to.equal(true)
  })

  it('keeps the cases whose name has the text of --filter, and prints JSON', async () => {
    const cases = ['one', 'two'].map((name) => ({ name, input: [] }))
    const { text } = await tested({ cases }, { filter: 'tw', json: true })
    const [line = ''] = text.split('\n')
    expect(JSON.parse(line)).to.include({ name: 'two', passed: true })
    expect(text.split('\n')).to.have.length(3)
    expect(await refusal(tested({ cases }, { filter: 'three' }))).to.equal('no case has "three" in its name')
  })

  it('refuses a file that is no file of tests, by what is wrong with it', async () => {
    const wrong = async (file: object | string) =>
      (await refusal(tested(typeof file === 'string' ? (JSON.parse(file) as object) : file))).replace(
        /^.*cast\.test\.json,? /,
        '',
      )
    expect(await wrong({})).to.equal('needs a list of "cases"')
    expect(await wrong({ cases: [{}] })).to.equal('case 1 has no "name"')
    expect(await wrong({ cases: [{ name: 'a' }] })).to.equal('case "a" needs a list as "input"')
    expect(await wrong({ cases: [{ name: 'a', inptu: [] }] })).to.equal(
      'case "a" knows no "inptu". Did you mean "input"?',
    )
    expect(
      await wrong({
        cases: [
          { name: 'a', input: [] },
          { name: 'a', input: [] },
        ],
      }),
    ).to.equal('has two cases named "a"')
    expect(await wrong({ tolerance: 2, cases: [{ name: 'a', input: [] }] })).to.match(/^"tolerance" must be/)
    const place = await folder.file('alone.test.json', { cases: [{ name: 'a', input: [] }] })
    expect(await refusal(outcome([place]))).to.match(/there is no alone\.json\. Name one as "connector"$/)
    expect(await refusal(outcome([await folder.file('broken.test.json', '{')]))).to.match(
      /cannot be read as JSON/,
    )
    expect(await refusal(outcome([path.join(folder.path, 'nowhere')]))).to.match(/nowhere is not there$/)
    expect(await refusal(outcome([path.join(REPOSITORY, 'schemas')]))).to.match(
      /^no files named \*\.test\.json in /,
    )
  })

  it('ends as a command with 1 where a case fails, and with 2 where there is none', async () => {
    await folder.file('cast.json', { config: { ...JSON_SINK, ...CAST } })
    const file = await folder.file('cast.test.json', { cases: [{ name: 'a', input: [{ a: '1' }] }] })
    const runs = [
      ['test', file],
      ['test', path.join(REPOSITORY, 'schemas')],
    ].map((args) => sluice([...args, ...UNSUPERVISED]))
    expect(await Promise.all(runs.map(({ exited }) => exited))).to.deep.equal([1, 2])
  })
})

describe('numbers of a test', () => {
  const differ = (expected: string, actual: string, tolerance = 0) =>
    differences(parseWithFractions(expected), parseWithFractions(actual), tolerance)

  it('are equal where their values are', () => {
    for (const [a, b] of [
      ['1', '1.0'],
      ['0.10', '1e-1'],
      ['9007199254740993', '9007199254740993'],
    ] as const)
      expect(differ(a, b)).to.deep.equal([])
    for (const [a, b] of [
      ['1', '1.0000000000000002'],
      ['9007199254740993', '9007199254740992'],
      ['0.1', '"0.1"'],
    ] as const)
      expect(differ(a, b)).to.have.length(1)
  })

  it('may be off by the tolerance, relative to what was expected', () => {
    expect(differ('1000', '1000.9', 1e-3)).to.deep.equal([])
    expect(differ('1000', '1001.1', 1e-3)).to.deep.equal(['it: expected 1000, came 1001.1'])
    expect(differ('0', '1e-30', 1e-3)).to.have.length(1)
  })

  it('that are many are not all shown', () => {
    const list = JSON.stringify(Array.from({ length: 30 }, (_, i) => i))
    expect(differ('[]', list).at(-1)).to.equal('and 10 more')
  })
})
