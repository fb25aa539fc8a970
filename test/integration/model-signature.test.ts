import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { eventually, uniqueName } from '../support/eventually.ts'
import { flightSchema } from '../support/flights.ts'
import { fillTopic } from '../support/topics.ts'
import { call, registerSchema, type SluiceDev, startSluiceDev } from '../support/sluice-dev.ts'

interface AvroRecord {
  readonly fields: readonly { readonly name: string; readonly type: unknown }[]
}

/** The schema of flights, with the distance as a text. */
function mistyped(): string {
  const schema = JSON.parse(flightSchema) as AvroRecord
  const fields = schema.fields.map((field) =>
    field.name === 'Distance' ? { name: field.name, type: 'string' } : field,
  )
  return JSON.stringify({ ...schema, fields })
}

describe('the signature of a model, and the schema of the topic in the registry', function () {
  this.timeout(120_000)
  let sluice: SluiceDev

  before(async () => {
    sluice = await startSluiceDev()
  })
  after(() => sluice.stop())

  function config(topic: string, registry = sluice.schemaRegistry) {
    return {
      name: topic,
      'connector.class': 'TopicSink',
      topics: topic,
      'target.topic': `${topic}-scored`,
      'value.converter': 'AvroConverter',
      'value.converter.schema.registry.url': registry,
      transforms: 'score',
      'transforms.score.type': 'ScoreH2OGbm$Value',
      'transforms.score.model': 'airline-delay',
    }
  }

  /** The errors that `validate` shows, by key. */
  async function errorsOf(given: Readonly<Record<string, string>>): Promise<Record<string, string[]>> {
    const route = '/connector-plugins/TopicSink/config/validate'
    const { status, body } = await call(sluice.rest, 'PUT', route, given)
    expect(status, JSON.stringify(body)).to.equal(200)
    const { configs } = body as { configs: { value: { name: string; errors: string[] } }[] }
    const wrong = configs.filter(({ value }) => value.errors.length > 0)
    return Object.fromEntries(wrong.map(({ value }) => [value.name, value.errors]))
  }

  it('a mistyped field is named at validate and refused at POST and PUT', async () => {
    const topic = uniqueName('flights')
    await registerSchema(sluice.schemaRegistry, `${topic}-value`, mistyped())
    const errors = await errorsOf(config(topic))
    expect(Object.keys(errors)).to.deep.equal(['transforms.score.model'])
    expect(errors['transforms.score.model']).to.deep.equal([
      `Topic ${topic} (value): the field Distance has the wrong type: the model airline-delay needs a number, and the schema has STRING.`,
    ])
    for (const [method, route, body] of [
      ['POST', '/connectors', { name: topic, config: config(topic) }],
      ['PUT', `/connectors/${topic}/config`, config(topic)],
    ] as const) {
      const answer = await call(sluice.rest, method, route, body)
      expect(answer.status, method).to.equal(400)
      expect(JSON.stringify(answer.body)).to.contain('the field Distance has the wrong type')
    }
    expect((await call(sluice.rest, 'GET', `/connectors/${topic}`)).status).to.equal(404)
  })

  it('a field that `fields` names must be in the schema', async () => {
    const topic = uniqueName('flights')
    await registerSchema(sluice.schemaRegistry, `${topic}-value`, flightSchema)
    const fields = { 'transforms.score.fields': 'Distance:Distanse' }
    const errors = await errorsOf({ ...config(topic), ...fields })
    expect(Object.keys(errors)).to.deep.equal(['transforms.score.fields'])
    expect(errors['transforms.score.fields']?.join()).to.contain('the field Distanse is missing')
  })

  it('a column that the model may lack, and the topic does, is a warning in the log', async () => {
    const topic = uniqueName('flights')
    const schema = JSON.parse(flightSchema) as AvroRecord
    const fields = schema.fields.filter(({ name }) => name !== 'Distance')
    await registerSchema(sluice.schemaRegistry, `${topic}-value`, JSON.stringify({ ...schema, fields }))
    expect(await errorsOf(config(topic))).to.deep.equal({})
    await eventually(() => {
      const { process: worker } = sluice
      const lines = `${worker.stdout()}\n${worker.stderr()}`.split('\n')
      const [line, ...more] = lines.filter((each) => each.includes(`Topic ${topic}`))
      expect(line).to.contain('the schema has no Distance')
      expect(more).to.deep.equal([])
      return true
    })
  })

  it('the topics that a pattern matches now are checked; one that matches nothing is no error', async () => {
    const prefix = uniqueName('flights')
    const topics = [`${prefix}.a`, `${prefix}.b`]
    for (const topic of topics) await fillTopic(sluice.bootstrapServers, topic, 1, [])
    await registerSchema(sluice.schemaRegistry, `${prefix}.a-value`, flightSchema)
    await registerSchema(sluice.schemaRegistry, `${prefix}.b-value`, mistyped())
    await registerSchema(sluice.schemaRegistry, `${prefix}.c-value`, mistyped())
    const matching = (pattern: string) => ({ ...config(prefix), topics: '', 'topics.regex': pattern })
    const errors = await errorsOf(matching(`${prefix}\\..`))
    expect(errors['transforms.score.model']).to.deep.equal([
      `Topic ${prefix}.b (value): the field Distance has the wrong type: the model airline-delay needs a number, and the schema has STRING.`,
    ])
    expect(await errorsOf(matching(`${prefix}\\.[ac]`))).to.deep.equal({})
  })

  it('texts and bytes are named where a model needs fields, and texts where no location is read', async () => {
    const topic = uniqueName('flights')
    const converter = (name: string) => ({ 'value.converter': name })
    for (const [name, type] of [
      ['StringConverter', 'STRING'],
      ['ByteArrayConverter', 'BYTES'],
    ] as const) {
      const errors = await errorsOf({ ...config(topic), ...converter(name) })
      expect(errors['transforms.score.model']?.join()).to.contain(`the schema is ${type}`)
    }
    const label = {
      'transforms.score.type': 'LabelImage$Value',
      'transforms.score.model': 'efficientnet-lite0',
    }
    const errors = await errorsOf({ ...config(topic), ...converter('StringConverter'), ...label })
    expect(Object.keys(errors)).to.deep.equal(['transforms.score.file.root'])
    expect(await errorsOf({ ...config(topic), ...converter('ByteArrayConverter'), ...label })).to.deep.equal(
      {},
    )
  })

  it('an output that the model does not have, and a line that is a struct, are named at validate', async () => {
    const topic = uniqueName('flights')
    await registerSchema(sluice.schemaRegistry, `${topic}-value`, flightSchema)
    const renamed = { ...config(topic), 'transforms.score.outputs': 'prediction:late,p_MAYBE:' }
    const { 'transforms.score.outputs': found, ...others } = await errorsOf(renamed)
    expect(found?.join()).to.contain('p_MAYBE').and.contain('There is: prediction, p_NO, p_YES.')
    expect(others).to.deep.equal({})
    const csv = {
      ...config(topic),
      'transforms.score.type': 'ParseCsv$Value',
      'transforms.score.fields': 'Year:int32',
    }
    const lines = await errorsOf(csv)
    expect(lines['transforms.score.field']?.join()).to.contain('a line is BYTES or STRING')
    const named = await errorsOf({ ...csv, 'transforms.score.field': 'TailNum' })
    expect(JSON.stringify(named)).to.contain('the field Year, which would be added, is in the schema already')
  })

  it('the latest version of the subject counts', async () => {
    const topic = uniqueName('flights')
    await call(sluice.schemaRegistry, 'PUT', `/config/${topic}-value`, { compatibility: 'NONE' })
    await registerSchema(sluice.schemaRegistry, `${topic}-value`, mistyped())
    await registerSchema(sluice.schemaRegistry, `${topic}-value`, flightSchema)
    expect(await errorsOf(config(topic))).to.deep.equal({})
  })

  it('a topic without a subject and a registry that is away are no errors', async () => {
    const topic = uniqueName('flights')
    expect(await errorsOf(config(topic))).to.deep.equal({})
    await registerSchema(sluice.schemaRegistry, `${topic}-value`, mistyped())
    expect(await errorsOf(config(topic, 'http://127.0.0.1:1'))).to.deep.equal({})
    const strategy = { 'value.converter.value.subject.name.strategy': 'RecordNameStrategy' }
    expect(await errorsOf({ ...config(topic), ...strategy })).to.deep.equal({})
  })
})
