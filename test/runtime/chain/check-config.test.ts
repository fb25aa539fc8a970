import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { Schema } from '../../../src/index.ts'
import { check, models, checked, flights, of, SCORE, typed } from '../../support/schema-check.ts'
import { FLIGHT } from '../../../transforms/examples/score-h2o-flights.ts'

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

  it('takes what a column was trained on, and names all else', async () => {
    const decimal = of('BYTES', 'org.apache.kafka.connect.data.Decimal')
    const date = of('INT32', 'org.apache.kafka.connect.data.Date')
    for (const schema of [of('INT8'), of('INT64'), of('FLOAT32'), decimal])
      expect(await check(SCORE, { flights: typed('Distance', schema) })).to.deep.equal([])
    expect(await check(SCORE, { flights: typed('Origin', of('STRING')) })).to.deep.equal([])
    for (const schema of [of('BYTES'), of('STRUCT', 'Place'), of('ARRAY'), of('MAP'), of('BOOLEAN'), date]) {
      const [number, ...others] = await check(SCORE, { flights: typed('Distance', schema) })
      expect(number).to.contain('the field Distance has the wrong type').and.contain('needs a number, and')
      expect(others).to.deep.equal([])
    }
    for (const schema of [of('INT64'), of('FLOAT64'), of('BOOLEAN'), of('BYTES'), of('MAP'), decimal, date]) {
      const [text] = await check(SCORE, { flights: typed('Origin', schema) })
      expect(text).to.contain('the field Origin has the wrong type').and.contain('needs a text, and')
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

  it('lets records lack fields where `missing.fields` says so, and says once in the log which no record has', async () => {
    const without = flights((fields) => fields.filter(({ name }) => name !== 'Distance' && name !== 'Origin'))
    const config = {
      ...SCORE,
      'transforms.score.missing.fields': 'null',
      'transforms.score.fields': 'Origin:from',
    }
    const { problems, said } = await checked(config, { flights: without })
    expect(problems).to.deep.equal([])
    expect(said).to.have.length(1)
    expect(JSON.stringify(said)).to.contain('the schema has no ').and.contain('from').and.contain('Distance')
  })

  it('names a field that no record has and in whose place the model has nothing', async () => {
    const iris = {
      topics: 'flowers',
      transforms: 'iris',
      'transforms.iris.type': 'ScoreOnnx$Value',
      'transforms.iris.model': 'iris-onnx',
      'transforms.iris.missing.fields': 'null',
    }
    const columns = (await models.load('iris-onnx')).inputs.map(({ name }) => name)
    const fields = columns.slice(1).map((name) => ({ name, schema: of('FLOAT64') }))
    const [problem, ...others] = await check(iris, { flowers: { ...of('STRUCT'), fields } })
    expect(others).to.deep.equal([])
    expect(problem).to.match(
      new RegExp(
        `^transforms.iris.missing.fields: .*the field ${columns[0]} is missing: .*nothing in the place`,
      ),
    )
    expect(await check(iris, {})).to.deep.equal([])
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
