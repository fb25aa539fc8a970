import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { Field, Schema } from '../../../src/index.ts'
import { check, IMAGES, of, SCORE } from '../../support/schema-check.ts'

describe('the check of a configuration whose transforms read a text or an image', () => {
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
})
