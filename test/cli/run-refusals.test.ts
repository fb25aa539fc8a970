import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'mocha'
import { type Asked, DryRunFolder, JSON_SINK, refusal } from '../support/dry-run.ts'
import { REPOSITORY } from '../support/process.ts'

const FLIGHT_SCHEMA = path.join(REPOSITORY, 'schemas/flight.avsc')
const FLIGHT_DELAY = JSON.parse(
  readFileSync(path.join(REPOSITORY, 'config/connectors/flight-delay.json'), 'utf8'),
) as { readonly config: Readonly<Record<string, string>> }
const flight = (fields: object) =>
  JSON.stringify({ Year: 2008, Month: 1, DayofMonth: 3, DayOfWeek: 4, ...fields })

let folder: DryRunFolder
const run = (config: object, lines?: string, asked?: Asked) => folder.run(config, lines, asked)

describe('what is no good, sluice run refuses and says what to do', function () {
  this.timeout(60_000)
  before(async () => (folder = await DryRunFolder.make()))
  after(() => folder.remove())

  const refused = async (config: object, lines?: string, asked?: Asked) =>
    (await refusal(run(config, lines, asked))).replaceAll(folder.path + path.sep, '')

  it('a line that is not JSON, by its number, after the lines before it came out', async () => {
    const schema = FLIGHT_SCHEMA
    expect(await refused(FLIGHT_DELAY, `${flight({})}\n\n{"Year":\n`, { schema })).to.match(
      /^rows\.jsonl, line 3: It is not JSON: /,
    )
  })

  it('a value that does not fit the Avro schema', async () => {
    const schema = FLIGHT_SCHEMA
    expect(await refused(FLIGHT_DELAY, flight({ Orgin: 'IAD' }), { schema })).to.equal(
      'rows.jsonl, line 1: Field "Orgin" is not in the schema. Did you mean "Origin"?',
    )
    expect(await refused(FLIGHT_DELAY, flight({ Distance: 'far' }), { schema })).to.match(
      /^rows\.jsonl, line 1: Field "Distance" is a string, which does not fit/,
    )
  })

  it('values in Avro without a schema, and a schema that is none', async () => {
    expect(await refused(FLIGHT_DELAY, flight({}))).to.match(
      /name the Avro schema of the values with --schema FILE\.avsc$/,
    )
    const schema = await folder.file('wrong.avsc', '{"type":"recrod"}')
    expect(await refused(FLIGHT_DELAY, flight({}), { schema })).to.match(
      /^wrong\.avsc is no usable Avro schema: /,
    )
    expect(await refused(FLIGHT_DELAY, flight({}), { schema: 'nowhere.avsc' })).to.match(
      /^nowhere\.avsc cannot be read/,
    )
  })

  it('an empty file is no mistake, and said', async () => {
    const { code, out, told } = await run(JSON_SINK, '\n')
    expect({ code, out, told }).to.deep.equal({ code: 0, out: [], told: ['rows.jsonl has no records'] })
  })

  it('a line without an end', async () => {
    const huge = 'a'.repeat(65 * 2 ** 20)
    expect(await refused(JSON_SINK, `1\n${huge}`)).to.match(
      /^rows\.jsonl, line 2 is longer than 64 Mi characters/,
    )
  })

  it('a configuration with every problem and its key: a class, a model, a missing topic', async () => {
    const wrong = {
      ...{ ...FLIGHT_DELAY.config, name: 'x', 'transforms.score.type': 'ScoreH2OGmb$Value', topics: '' },
    }
    const message = await refused(wrong, flight({}), { schema: FLIGHT_SCHEMA })
    expect(message).to.match(/^the configuration is invalid:\n/)
    expect(message).to.match(/\n {2}.*transforms\.score\.type.*ScoreH2OGbm\$Value/)
    expect(message).to.contain('Must configure one of topics or topics.regex')
    const model = { ...FLIGHT_DELAY.config, name: 'x', 'transforms.score.model': 'fraud' }
    expect(await refused(model, flight({}), { schema: FLIGHT_SCHEMA })).to.match(
      /\n {2}transforms\.score\.model: There is no model "fraud"/,
    )
  })

  it('a field that the schema has already', async () => {
    const text = readFileSync(FLIGHT_SCHEMA, 'utf8').replace('"TailNum"', '"prediction"')
    const schema = await folder.file('taken.avsc', text)
    expect(await refused(FLIGHT_DELAY, flight({}), { schema })).to.match(
      /transforms\.score\.type: Topic flights \(value\): the field prediction, which would be added, is in the schema/,
    )
  })

  it('a pattern of topics without --topic, a topic that is not read, a sink without records', async () => {
    const { topics, ...rest } = JSON_SINK
    const pattern = { ...rest, 'topics.regex': `${topics}-.*` }
    expect(await refused(pattern, '1\n')).to.match(/name one of them with --topic$/)
    expect(await refused(pattern, '1\n', { topic: 'other' })).to.match(/does not read topic other/)
    expect((await run(pattern, '1\n', { topic: 'in-7' })).code).to.equal(0)
    expect(await refused(JSON_SINK)).to.match(/name their file with --input/)
  })

  it('a file that is no configuration, and options that exclude one another', async () => {
    expect(await refused([1])).to.match(/connector\.json holds no JSON object/)
    expect(await refused({ name: 'a', config: { name: 'b' } })).to.match(
      /the name in "config", b, is not "name", a/,
    )
    expect(await refused({ ...JSON_SINK, topics: ['in'] })).to.match(/the value of "topics" must be a string/)
    expect(await refused(JSON_SINK, '1', { key: 'a', keySeparator: ':' })).to.equal(
      'Give either --key or --key-separator.',
    )
    expect(await refused(JSON_SINK, '1', { with: 'topics' })).to.match(/^--with knows topic, partition/)
  })
})
