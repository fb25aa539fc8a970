import { expect } from 'chai'
import { describe, it } from 'mocha'
import path from 'node:path'
import { ModelStore } from '../../src/inference/store/model-store.ts'
import { type Converter, type Field, type Schema, SILENT } from '../../src/index.ts'
import { TransformChain } from '../../src/runtime/chain.ts'
import { checkSchemas } from '../../src/runtime/check-config.ts'
import type { NamedConverter } from '../../src/runtime/task-converters.ts'
import { FLIGHT } from '../../transforms/examples/score-h2o-flights.ts'

const models = new ModelStore({
  modelsDir: path.resolve(import.meta.dirname, '../../models'),
  allowedDirs: [],
  log: SILENT,
})

const SCORE = {
  topics: 'flights',
  transforms: 'score',
  'transforms.score.type': 'ScoreH2OGbm$Value',
  'transforms.score.model': 'airline-delay',
}

/** A converter that knows the schemas of some topics. */
function knowing(topics: Readonly<Record<string, Schema>>): NamedConverter {
  const converter: Partial<Converter> = {
    topicSchema: (topic) => Promise.resolve(topics[topic] ?? null),
  }
  return { name: 'fake', converter: converter as Converter }
}

const IMAGES = 'https://images.example.com'

type Topics = Readonly<Record<string, Schema>>

async function check(config: Readonly<Record<string, string>>, values: Topics, keys: Topics = {}) {
  return (await checked(config, values, keys)).problems
}

/** The problems of a configuration, and what the worker's log says of it. */
async function checked(config: Readonly<Record<string, string>>, values: Topics, keys: Topics = {}) {
  const images = { dirs: [], origins: [IMAGES], privateAddresses: false }
  const chain = await TransformChain.open(config, models, SILENT, { images })
  const [key, value] = [knowing(keys), knowing(values)]
  const converters = { key, value, target: { key, value } }
  const matching = () => Promise.resolve(Object.keys(values))
  const said: unknown[] = []
  const log = { ...SILENT, warn: (_: string, fields: object = {}) => void said.push(fields) }
  const problems = await checkSchemas({ chain, converters }, config, { matching, log })
  chain.close()
  return { said, problems: problems.map((problem) => `${problem.path}: ${problem.message}`) }
}

/** A flight's schema with other fields. */
function flights(change: (fields: readonly Field[]) => readonly Field[]): Schema {
  return { ...FLIGHT, fields: change(FLIGHT.fields ?? []) }
}

const typed = (name: string, schema: Schema) =>
  flights((fields) => fields.map((field) => (field.name === name ? { name, schema } : field)))
const of = (type: Schema['type'], name?: string): Schema =>
  name === undefined ? { type, optional: false } : { type, optional: false, name }

describe('the check of a configuration against the schema of its topics', () => {
  it('has nothing to say where all columns are there, or no schema is known', async () => {
    expect(await check(SCORE, { flights: FLIGHT })).to.deep.equal([])
    expect(await check(SCORE, {})).to.deep.equal([])
    expect(await check({ ...SCORE, topics: '', 'topics.regex': 'f.*' }, {})).to.deep.equal([])
  })

  it('names the topic, the field, what the model needs and what the schema has', async () => {
    expect(await check(SCORE, { flights: typed('Distance', of('STRING')) })).to.deep.equal([
      'transforms.score.model: Topic flights (value): the field Distance has the wrong type: the model airline-delay needs a number, and the schema has STRING.',
    ])
  })

  it('takes as numbers and as texts what records are read as', async () => {
    const decimal = of('BYTES', 'org.apache.kafka.connect.data.Decimal')
    const date = of('INT32', 'org.apache.kafka.connect.data.Date')
    for (const schema of [of('INT64'), of('FLOAT32'), of('BOOLEAN'), decimal, date]) {
      expect(await check(SCORE, { flights: typed('Distance', schema) })).to.deep.equal([])
      expect(await check(SCORE, { flights: typed('Origin', schema) })).to.deep.equal([])
    }
    for (const schema of [of('BYTES'), of('STRUCT', 'Place'), of('ARRAY'), of('MAP')]) {
      expect(await check(SCORE, { flights: typed('Distance', schema) })).to.have.length(1)
      const [problem] = await check(SCORE, { flights: typed('Origin', schema) })
      expect(problem).to.contain('the field Origin').and.contain('a text or a number')
    }
  })

  it('takes a union that has a branch of the right type, and no other', async () => {
    const union = (...types: Schema['type'][]): Schema => ({
      ...of('STRUCT', 'io.confluent.connect.avro.Union'),
      fields: types.map((type) => ({ name: type, schema: { type, optional: true } })),
    })
    expect(await check(SCORE, { flights: typed('Distance', union('STRING', 'INT32')) })).to.deep.equal([])
    expect(await check(SCORE, { flights: typed('Distance', union('STRING', 'MAP')) })).to.have.length(1)
  })

  it('names a required field that is missing, under the name that `fields` gives it', async () => {
    const iris = {
      topics: 'flowers',
      transforms: 'iris',
      'transforms.iris.type': 'ScoreDl4j$Value',
      'transforms.iris.model': 'iris-dl4j',
    }
    const columns = (await models.load('iris-dl4j')).inputs.map(({ name }) => name)
    const flowers = (names: readonly string[]): Schema => ({
      ...of('STRUCT'),
      fields: names.map((name) => ({ name, schema: of('FLOAT64') })),
    })
    expect(await check(iris, { flowers: flowers(columns) })).to.deep.equal([])
    const [last] = columns.slice(-1)
    expect(await check(iris, { flowers: flowers(columns.slice(0, -1)) })).to.deep.equal([
      `transforms.iris.model: Topic flowers (value): the field ${last} is missing: the model iris-dl4j needs a number, and the schema has none.`,
    ])
    const renamed = { ...iris, 'transforms.iris.fields': 'a,b,c,d' }
    expect(await check(renamed, { flowers: flowers(['a', 'b', 'c', 'd']) })).to.deep.equal([])
    const [problem] = await check(renamed, { flowers: flowers(['a', 'b', 'c']) })
    expect(problem).to.contain('the field d is missing').and.contain(`for its column ${last}`)
    const array = { ...iris, 'transforms.iris.fields': 'all' }
    const all = (schema: Schema): Schema => ({ ...of('STRUCT'), fields: [{ name: 'all', schema }] })
    expect(
      await check(array, { flowers: all({ ...of('ARRAY'), valueSchema: of('FLOAT32') }) }),
    ).to.deep.equal([])
    expect(
      await check(array, { flowers: all({ ...of('ARRAY'), valueSchema: of('STRING') }) }),
    ).to.have.length(1)
    expect(await check(array, { flowers: all(of('FLOAT64')) })).to.have.length(1)
    expect(await check(array, { flowers: flowers(columns) })).to.have.length(1)
  })

  it('names a field that `fields` names and the schema lacks, also of a column that may be missing', async () => {
    const renamed = { ...SCORE, 'transforms.score.fields': 'Distance:Distanse' }
    expect(await check(renamed, { flights: FLIGHT })).to.deep.equal([
      'transforms.score.fields: Topic flights (value): the field Distanse is missing: `fields` names it, the model airline-delay needs a number for its column Distance, and the schema has none.',
    ])
    const lacking = flights((fields) => fields.filter(({ name }) => name !== 'Distance'))
    expect(await check(SCORE, { flights: lacking })).to.deep.equal([])
    const listed = (await models.load('airline-delay')).inputs.map(({ name }) => name).join(',')
    const [problem] = await check({ ...SCORE, 'transforms.score.fields': listed }, { flights: lacking })
    expect(problem).to.contain('the field Distance is missing')
  })

  it('says in the log, and refuses nothing, where columns are not there that the model may lack', async () => {
    const lacking = flights((fields) => fields.filter(({ name }) => !['Distance', 'Dest'].includes(name)))
    expect(await checked(SCORE, { flights: lacking })).to.deep.equal({
      problems: [],
      said: [
        {
          transform: 'score',
          reason:
            'Topic flights (value): the schema has no Dest, Distance: the model airline-delay will score all records with a missing value there.',
        },
      ],
    })
    expect((await checked(SCORE, { flights: FLIGHT })).said).to.deep.equal([])
  })

  it('checks the topics that a pattern matches now', async () => {
    const pattern = { ...SCORE, topics: '', 'topics.regex': 'f.*' }
    const [problem, ...more] = await check(pattern, { fine: FLIGHT, flawed: typed('Month', of('STRING')) })
    expect(problem).to.contain('Topic flawed').and.contain('Month')
    expect(more).to.deep.equal([])
  })

  it('refuses records that have none of the columns, or no fields at all', async () => {
    const petals: Schema = { ...of('STRUCT'), fields: [{ name: 'petal', schema: of('FLOAT64') }] }
    const [none, ...more] = await check(SCORE, { flights: petals })
    expect(none).to.contain('none of the columns of the model airline-delay').and.contain('Distance')
    expect(more).to.deep.equal([])
    const [text] = await check(SCORE, { flights: of('STRING') })
    expect(text).to.contain('needs a struct').and.contain('STRING')
  })

  it('refuses fields that the schema or an earlier transform has already', async () => {
    const taken = flights((fields) => [...fields, { name: 'p_YES', schema: of('STRING') }])
    const [problem, ...more] = await check(SCORE, { flights: taken })
    expect(problem).to.contain('p_YES').and.contain('prefix')
    expect(more).to.deep.equal([])
    expect(await check({ ...SCORE, 'transforms.score.prefix': 'x_' }, { flights: taken })).to.deep.equal([])
    const twice = {
      ...SCORE,
      transforms: 'score,again',
      'transforms.again.type': 'ScoreH2ODeepLearning$Value',
      'transforms.again.model': 'airline-delay-dl',
      'transforms.again.prefix': 'dl_',
    }
    expect(await check(twice, { flights: FLIGHT })).to.deep.equal([])
  })

  it('refuses two transforms in a row that add the same fields to the same side, whatever is known of the topic', async () => {
    const twice = {
      ...SCORE,
      transforms: 'score,again',
      'transforms.again.type': 'ScoreH2OGbm$Value',
      'transforms.again.model': 'airline-delay',
    }
    const both = 'transforms score and again both add prediction, p_NO, p_YES, model_version.'
    for (const topics of [{}, { flights: FLIGHT }]) {
      expect(await check(twice, topics)).to.deep.equal([
        `transforms.again.type: Topic flights (value): ${both} Give one of them other names or a prefix.`,
      ])
    }
    const [unnamed] = await check({ ...twice, topics: '', 'topics.regex': 'f.*' }, {})
    expect(unnamed).to.contain(`Records (value): ${both}`)
    expect(await check({ ...twice, 'transforms.again.prefix': 'again_' }, {})).to.deep.equal([])
    expect(await check({ ...twice, 'transforms.again.type': 'ScoreH2OGbm$Key' }, {})).to.deep.equal([])
    const between = {
      ...twice,
      transforms: 'score,text,again',
      'transforms.text.type': 'ParseCsv$Value',
      'transforms.text.fields': 'Distance:int32',
    }
    expect(await check(between, {})).to.deep.equal([])
    const image = {
      transforms: 'label,again',
      'transforms.label.type': 'LabelImage$Value',
      'transforms.label.model': 'efficientnet-lite0',
      'transforms.label.field': 'picture',
      'transforms.again.type': 'LabelImage$Value',
      'transforms.again.model': 'efficientnet-lite0',
      'transforms.again.field': 'picture',
      topics: 'pictures',
    }
    const [labels] = await check(image, {})
    expect(labels).to.contain('both add label, probability, labels')
  })

  it('follows what ParseCsv and FormatString give, whatever is known of the topic', async () => {
    const lines = {
      ...SCORE,
      transforms: 'csv,score,text',
      'transforms.csv.type': 'ParseCsv$Value',
      'transforms.csv.fields': 'Origin:string,Distance:string',
      'transforms.text.type': 'FormatString$Value',
      'transforms.text.template': '${prediction} ${Origin} ${Delay}',
    }
    const found = await check(lines, {})
    expect(found).to.have.length(2)
    expect(found[0]).to.match(/^transforms\.score\.model: .*the field Distance .*STRING/)
    expect(found[1]).to.match(/^transforms\.text\.template: .*Delay/)
    const right = { 'transforms.csv.fields': 'Distance:int32', 'transforms.text.template': '${Distance}' }
    expect(await check({ ...lines, ...right }, {})).to.deep.equal([])
  })

  it('refuses a line that is no text, and fields of the cells that are there already', async () => {
    const csv = {
      topics: 'lines',
      transforms: 'csv',
      'transforms.csv.type': 'ParseCsv$Value',
      'transforms.csv.fields': 'Origin:string,Distance:int32',
    }
    const named = { ...csv, 'transforms.csv.field': 'line' }
    const holding = (...fields: readonly Field[]): Schema => ({ ...of('STRUCT'), fields })
    for (const right of [of('BYTES'), of('STRING')]) {
      expect(await check(named, { lines: holding({ name: 'line', schema: right }) })).to.deep.equal([])
      expect(await check(csv, { lines: right })).to.deep.equal([])
    }
    for (const wrong of [of('INT32'), of('BYTES', 'org.apache.kafka.connect.data.Decimal'), holding()]) {
      expect(await check(csv, { lines: wrong })).to.deep.equal([
        `transforms.csv.field: Topic lines (value): the value has the wrong type: a line is BYTES or STRING, and the schema has ${wrong.type}${wrong.name === undefined ? '' : ` (${wrong.name})`}.`,
      ])
      expect(await check(named, { lines: holding({ name: 'line', schema: wrong }) })).to.have.length(1)
    }
    expect(await check(named, { lines: holding() })).to.deep.equal([
      'transforms.csv.field: Topic lines (value): the field line, which is to hold a line, is missing: the schema has none.',
    ])
    const line = { name: 'line', schema: of('STRING') }
    const [collision] = await check(named, { lines: holding(line, { ...line, name: 'Origin' }) })
    expect(collision).to.contain('the field Origin, which would be added, is in the schema already')
    const after = {
      ...named,
      transforms: 'csv,text',
      'transforms.text.type': 'FormatString$Value',
      'transforms.text.template': '${line} ${Distance}',
      'transforms.text.field': 'text',
    }
    expect(await check(after, { lines: holding(line) })).to.deep.equal([])
    const [taken] = await check({ ...after, 'transforms.text.field': 'Origin' }, { lines: holding(line) })
    expect(taken).to.contain('transforms csv and text both add Origin')
    const alone = { ...after, transforms: 'text' }
    const [lacks] = await check(alone, { lines: holding(line) })
    expect(lacks).to.match(/^transforms\.text\.template: .*Distance/)
    const noStruct = await check({ ...alone, 'transforms.text.template': 'x' }, { lines: of('STRING') })
    expect(noStruct).to.have.length(1)
    expect(noStruct[0]).to.match(/^transforms\.text\.field: .*to a struct only, and the schema is STRING/)
  })

  it('refuses a field that can hold no image', async () => {
    const image = {
      topics: 'pictures',
      transforms: 'label',
      'transforms.label.type': 'LabelImage$Value',
      'transforms.label.model': 'efficientnet-lite0',
    }
    const named = { ...image, 'transforms.label.field': 'picture' }
    const holding = (schema: Schema): Schema => ({
      ...of('STRUCT'),
      fields: [{ name: 'picture', schema }],
    })
    const decimal = of('BYTES', 'org.apache.kafka.connect.data.Decimal')
    const origins = { 'transforms.label.http.allowed.origins': IMAGES }
    expect(await check(named, { pictures: holding(of('BYTES')) })).to.deep.equal([])
    expect(await check(image, { pictures: of('BYTES') })).to.deep.equal([])
    expect(await check({ ...named, ...origins }, { pictures: holding(of('STRING')) })).to.deep.equal([])
    expect(await check({ ...image, ...origins }, { pictures: of('STRING') })).to.deep.equal([])
    for (const [config, text, what] of [
      [named, holding(of('STRING')), 'the field picture'],
      [image, of('STRING'), 'the value'],
    ] as const) {
      const [nowhere, ...more] = await check(config, { pictures: text })
      expect(nowhere).to.match(/^transforms\.label\.file\.root: Topic pictures/)
      expect(nowhere).to.contain(`${what} is a text`).and.contain('http.allowed.origins')
      expect(more).to.deep.equal([])
    }
    for (const wrong of [decimal, of('INT32'), of('STRUCT')]) {
      expect(await check(named, { pictures: holding(wrong) }), wrong.type).to.have.length(1)
      expect(await check(image, { pictures: wrong }), wrong.type).to.have.length(1)
    }
    const [missing] = await check(named, { pictures: { ...of('STRUCT'), fields: [] } })
    expect(missing).to.contain('the field picture').and.contain('missing')
    const taken = {
      ...of('STRUCT'),
      fields: ['picture', 'label'].map((name) => ({ name, schema: of('BYTES') })),
    }
    const [collision] = await check(named, { pictures: taken })
    expect(collision).to.contain('the field label').and.contain('prefix')
  })

  it('checks every topic, and the side that a transform works on', async () => {
    const wrong = typed('Month', of('STRING'))
    const both = { ...SCORE, topics: 'flights,other' }
    const [problem, ...more] = await check(both, { flights: FLIGHT, other: wrong })
    expect(problem).to.contain('Topic other').and.contain('Month')
    expect(more).to.deep.equal([])
    const keys = { ...SCORE, 'transforms.score.type': 'ScoreH2OGbm$Key' }
    expect(await check(keys, { flights: wrong }, { flights: FLIGHT })).to.deep.equal([])
    const [key] = await check(keys, { flights: FLIGHT }, { flights: wrong })
    expect(key).to.contain('Topic flights (key)')
  })
})
