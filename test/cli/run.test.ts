import { expect } from 'chai'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'mocha'
import { type Asked, DryRunFolder, JSON_SINK, refusal } from '../support/dry-run.ts'
import { REPOSITORY, sluice, UNSUPERVISED } from '../support/process.ts'

const FLIGHT_SCHEMA = path.join(REPOSITORY, 'schemas/flight.avsc')
const FLIGHT_DELAY = JSON.parse(
  readFileSync(path.join(REPOSITORY, 'config/connectors/flight-delay.json'), 'utf8'),
) as { readonly config: Readonly<Record<string, string>> }
const flight = (fields: object) =>
  JSON.stringify({ Year: 2008, Month: 1, DayofMonth: 3, DayOfWeek: 4, ...fields })

interface Probe {
  readonly input: Readonly<Record<string, unknown>>
  readonly output: Readonly<Record<string, number | string>>
}

/** What the schema has as int. */
const WHOLE = ['Month', 'DayofMonth', 'DayOfWeek', 'CRSDepTime', 'CRSArrTime']
const OPTIONAL = new Set(['CRSDepTime', 'CRSArrTime'])
const isInt = (value: unknown) => Number.isInteger(value) && Math.abs(Number(value)) < 2 ** 31

let folder: DryRunFolder
const run = (config: object, lines?: string, asked?: Asked) => folder.run(config, lines, asked)
const values = (lines: readonly string[]) => lines.map((line) => JSON.parse(line) as unknown)
const summary = (told: readonly string[]) => told.at(-1)?.replace(/, [\d.]+ s$/, '')

describe('sluice run', function () {
  this.timeout(60_000)
  before(async () => (folder = await DryRunFolder.make()))
  after(() => folder.remove())

  describe('what comes out', () => {
    it('is the input where a connector has no transforms', async () => {
      const { code, out, told } = await run(JSON_SINK, '{"a":1.0,"b":9007199254740993}\r\n\n[1]\nnull\n')
      expect({ code, out }).to.deep.equal({
        code: 0,
        out: ['{"a":1.0,"b":9007199254740993}', '[1]', 'null'],
      })
      expect(summary(told)).to.equal('3 records in, 3 out, 0 dropped, 0 failed')
    })

    it('is what H2O itself says of the probes of the flight model', async () => {
      const probes = readFileSync(path.join(REPOSITORY, 'models/airline-delay/probe.jsonl'), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Probe)
        .filter(({ input }) => WHOLE.every((name) => isInt(input[name] ?? (OPTIONAL.has(name) ? 0 : null))))
      const lines = probes.map(({ input }) => flight(input)).join('\n')
      const { code, out } = await run(FLIGHT_DELAY, lines, { schema: FLIGHT_SCHEMA })
      expect(code).to.equal(0)
      const scored = values(out) as Record<string, number | string>[]
      expect(scored).to.have.length(probes.length).above(10)
      for (const [i, { output }] of probes.entries()) {
        expect(scored[i]!['prediction']).to.equal(output['label'])
        expect(scored[i]!['p_YES']).to.be.closeTo(Number(output['YES']), 1e-12)
      }
    })

    it('is written by the target converters', async () => {
      const target = { 'target.value.converter': 'StringConverter' }
      const { out } = await run({ ...JSON_SINK, ...target }, '[1,2]\n"text"\n', { format: 'text' })
      expect(values(out)).to.deep.equal(['[1, 2]', 'text'])
    })

    it('is as data what a sink would be given that writes elsewhere, and that sink is not opened', async () => {
      const file = path.join(folder.path, 'never-written.txt')
      const sink = { ...JSON_SINK, 'connector.class': 'FileStreamSink', file }
      const { code, out } = await run(sink, '{"a":1}\n', { with: 'topic,key,offset', key: 'a' })
      expect({ code, out }).to.deep.equal({
        code: 0,
        out: ['{"topic":"in","offset":null,"key":"1","value":{"a":1}}'],
      })
      expect(existsSync(file)).to.equal(false)
    })

    it('ends at --limit', async () => {
      const { out, told } = await run(JSON_SINK, '1\n2\n3\n', { limit: 2 })
      expect(out).to.deep.equal(['"1"', '"2"'])
      expect(summary(told)).to.equal('2 records in, 2 out, 0 dropped, 0 failed')
    })

    it('names what was dropped by its lines', async () => {
      const filter = {
        ...{ transforms: 'drop', 'transforms.drop.type': 'Filter', 'transforms.drop.predicate': 'gone' },
        ...{ predicates: 'gone', 'predicates.gone.type': 'RecordIsTombstone' },
      }
      const lines = 'null\n{"a":1}\nnull\nnull\n'
      const { code, out, told } = await run({ ...JSON_SINK, ...filter }, lines)
      expect({ code, out }).to.deep.equal({ code: 0, out: ['{"a":1}'] })
      expect(told[0]).to.equal('rows.jsonl, line 1, 3-4: dropped')
      expect(summary(told)).to.equal('4 records in, 1 out, 3 dropped, 0 failed')
      const all = await run({ ...JSON_SINK, ...filter }, lines, { all: true })
      expect(values(all.out)[0]).to.deep.equal({ line: 1, dropped: true })
      expect(all.out).to.have.length(4)
    })

    it('follows the values of --set, flat configurations and Java properties', async () => {
      const set = { 'target.topic': 'elsewhere' }
      const { out } = await run({ name: 'sink', config: JSON_SINK }, '1\n', { set, with: 'topic' })
      expect(out).to.deep.equal(['{"topic":"elsewhere","value":"1"}'])
    })
  })

  describe('records with all their parts', () => {
    it('come out as they went in, and can go in again', async () => {
      const record = {
        ...{ partition: 2, offset: 7, timestamp: 1_700_000_000_000, key: 'k' },
        ...{
          headers: [
            { key: 'h', value: 'text' },
            { key: 'b', value: { base64: '/w==' } },
            { key: 'n', value: null },
          ],
        },
      }
      const line = JSON.stringify({ topic: 'in', ...record, value: { a: 1 } })
      const first = await run(JSON_SINK, `${line}\n`, { records: true, with: 'all' })
      expect(values(first.out)).to.deep.equal([{ topic: 'out', ...record, offset: 0, value: { a: 1 } }])
      const again = first.out.join('').replace('"topic":"out"', '"topic":"in"')
      const second = await run(JSON_SINK, again, { records: true, with: 'all' })
      expect(second.out).to.deep.equal(first.out)
    })

    it('are refused by line where a part is none, or of another form', async () => {
      const wrong = async (line: object | string) =>
        refusal(run(JSON_SINK, typeof line === 'string' ? line : JSON.stringify(line), { records: true }))
      expect(await wrong({ vlaue: 1 })).to.match(/line 1: A record has no "vlaue". Did you mean "value"\?$/)
      expect(await wrong('3')).to.match(/line 1: It is no object with topic, /)
      expect(await wrong({ partition: -1, value: 1 })).to.match(/line 1: Its partition is no whole number/)
      expect(await wrong({ partition: 2 ** 31, value: 1 })).to.match(
        /line 1: Its partition is no whole number/,
      )
      expect(await wrong({ topic: 'other', value: 1 })).to.match(
        /line 1: The connector does not read topic other/,
      )
      expect(await wrong({ headers: [{ value: 'x' }], value: 1 })).to.match(/line 1: Its headers are no list/)
    })

    it('have keys in Avro where there is a schema of them', async () => {
      const keySchema = await folder.file('key.avsc', '"long"')
      const config = {
        ...JSON_SINK,
        'key.converter': 'AvroConverter',
        'key.converter.schema.registry.url': 'http://r',
      }
      const lines = '{"key":5,"value":{"a":1}}\n'
      const { out } = await run(config, lines, { records: true, keySchema, with: 'key' })
      expect(values(out)).to.deep.equal([{ key: '\u0000\u0000\u0000\u0000\u0001\n', value: { a: 1 } }])
      expect(await refusal(run(config, lines, { records: true }))).to.match(
        /name the Avro schema of the keys with --key-schema/,
      )
    })
  })

  describe('a record that fails', () => {
    const lines = `${flight({ Origin: 'IAD' })}\n${flight({ Month: 13 })}\n${flight({ Origin: 'TPA' })}\n`
    const cast = {
      ...{ transforms: 'cast', 'transforms.cast.type': 'Cast$Value', 'transforms.cast.spec': 'Origin:int32' },
    }

    it('ends it as it would end a task: exit code 1, with what is before it', async () => {
      const { code, out, told } = await run(
        { ...JSON_SINK, ...cast },
        '{"Origin":"1"}\n{"Origin":"x"}\n{"Origin":"3"}\n',
      )
      expect({ code, out }).to.deep.equal({ code: 1, out: ['{"Origin":1}'] })
      expect(told[0]).to.match(/^rows\.jsonl, line 2: record\.\S+ in TRANSFORMATION \(Cast\): /)
      expect(summary(told.slice(0, 2))).to.equal('2 records in, 1 out, 0 dropped, 1 failed')
      expect(told[2]).to.match(/^sluice: the task would be FAILED: Tolerance exceeded: record in-0@1 failed/)
    })

    it('is passed over where errors.tolerance is all: exit code 0', async () => {
      const tolerant = { ...JSON_SINK, ...cast, 'errors.tolerance': 'all' }
      const { code, out, told } = await run(tolerant, '{"Origin":"1"}\n{"Origin":"x"}\n{"Origin":"3"}\n', {
        all: true,
      })
      expect(code).to.equal(0)
      const [first, failed, last] = values(out) as [object, { line: number; failed: object }, object]
      expect([first, last]).to.deep.equal([{ Origin: 1 }, { Origin: 3 }])
      expect(failed.line).to.equal(2)
      expect(failed.failed).to.include({ stage: 'TRANSFORMATION', plugin: 'Cast' })
      expect(summary(told)).to.equal('3 records in, 2 out, 0 dropped, 1 failed')
    })

    it('hurts no other of a model', async () => {
      const { code, out } = await run(FLIGHT_DELAY, lines, { schema: FLIGHT_SCHEMA })
      expect(code).to.equal(0)
      expect(out).to.have.length(3)
    })

    it('is none where a value does not fit its converter: it could not have been written', async () => {
      const number = {
        ...JSON_SINK,
        'value.converter': 'IntegerConverter',
        'target.value.converter': 'StringConverter',
      }
      expect((await run(number, '5\n')).out).to.deep.equal(['"5"'])
      const message = await refusal(run(number, '5\n3000000000\n'))
      expect(message).to.match(/rows\.jsonl, line 2: The payload is a number.*INT32/)
    })
  })

  describe('a source', () => {
    const source = (file: string) => ({
      ...{ name: 'lines', 'connector.class': 'FileStreamSource', topic: 'lines', file },
      'value.converter': 'StringConverter',
    })

    it('is polled where there is no input, to its end or to --limit', async () => {
      const file = await folder.file('lines.txt', 'one\ntwo\nthree\n')
      const { code, out, told } = await run(source(file), undefined, { with: 'topic' })
      const texts = ['one', 'two', 'three']
      expect(code).to.equal(0)
      expect(values(out)).to.deep.equal(texts.map((value) => ({ topic: 'lines', value })))
      expect(summary(told)).to.equal('3 records in, 3 out, 0 dropped, 0 failed')
      expect((await run(source(file), undefined, { limit: 1 })).out).to.deep.equal(['"one"'])
    })

    it('takes the records of a file as if it had polled them', async () => {
      const upper = {
        transforms: 'hoist',
        'transforms.hoist.type': 'HoistField$Value',
        'transforms.hoist.field': 'line',
      }
      const json = { 'value.converter': 'JsonConverter', 'value.converter.schemas.enable': 'false' }
      const { out } = await run({ ...source('unused'), ...upper, ...json }, '"one"\n{"a":1}\n')
      expect(values(out)).to.deep.equal([{ line: 'one' }, { line: { a: 1 } }])
    })

    it('ends with exit code 1 at a record that fails, and names its line', async () => {
      const cast = {
        transforms: 'cast',
        'transforms.cast.type': 'Cast$Value',
        'transforms.cast.spec': 'int32',
      }
      const { code, out, told } = await run({ ...source('unused'), ...cast }, '"1"\n"x"\n')
      expect({ code, out }).to.deep.equal({ code: 1, out: [] })
      expect(told.at(-1)).to.match(/FAILED: Tolerance exceeded: record \{"file":.*\} at \{"line":2\} failed/)
    })
  })

  it('stops at Ctrl-C with what has come out', async () => {
    const stopping = AbortSignal.abort()
    const { code } = await run(JSON_SINK, '1\n2\n', { stopping })
    expect(code).to.equal(130)
  })

  it('takes the models, converters and config providers of a worker', async () => {
    await folder.file('secrets.properties', 'target=from-a-file\n')
    const worker = await folder.file('worker.json', {
      ...(JSON.parse(readFileSync(path.join(REPOSITORY, 'config/worker.json'), 'utf8')) as object),
      ...{
        'value.converter': 'StringConverter',
        'config.providers': 'file',
        'config.providers.file.class': 'FileConfigProvider',
      },
      'config.providers.file.param.allowed.paths': folder.path,
    })
    const own = Object.fromEntries(Object.entries(JSON_SINK).filter(([key]) => !key.startsWith('value.')))
    const target = { 'target.topic': `\${file:${folder.path}/secrets.properties:target}` }
    const { out } = await run({ ...own, ...target }, 'text, no JSON\n', { worker, with: 'topic' })
    expect(values(out)).to.deep.equal([{ topic: 'from-a-file', value: 'text, no JSON' }])
  })

  it('as a command reads standard input, and ends with 0, or 2 for what is no good', async () => {
    const connector = await folder.file('connector.json', JSON_SINK)
    const good = sluice(['run', connector, '--input', '-', '--all', ...UNSUPERVISED])
    good.child.stdin?.end('{"a":1}\n')
    const bad = sluice(['run', connector, '--inptu', 'x'])
    expect([await good.exited, await bad.exited]).to.deep.equal([0, 2])
    expect(good.stdout()).to.equal('{"a":1}\n')
    expect(good.stderr()).to.match(/^1 records in, 1 out, 0 dropped, 0 failed, [\d.]+ s\n$/)
  })
})
