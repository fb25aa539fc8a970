import { expect } from 'chai'
import { describe, it } from 'mocha'
import { type ExampleRecord, type Model, OPTIONAL_FLOAT64, struct } from '../../../../src/index.ts'
import { scoreH2o } from '../../../../transforms/models/score-h2o.ts'
import { classifier, detector, firstOf, modelsOf, numeric, yesOrNo } from '../../../support/fake-models.ts'
import { figuresOf, openTransform, outputOf, row, SCHEMA } from '../../../support/open-transform.ts'

const open = (config: Readonly<Record<string, string>>, models: readonly Model[]) =>
  openTransform(scoreH2o, { model: 'serving', ...config }, modelsOf(classifier('serving'), ...models))

/** Good rows, one that the serving model cannot score, a tombstone, and one that is no row of the model. */
const RECORDS: readonly ExampleRecord[] = [
  row(0.25, 1),
  row(NaN),
  row(0.75),
  { value: null },
  { valueSchema: { ...SCHEMA, fields: [] }, value: struct({}) },
  row(1, 5),
]
const GOOD = 3

const BAD: Readonly<Record<string, Partial<Model>>> = {
  throws: {
    score: () => {
      throw new Error('broken')
    },
  },
  rejects: { score: () => Promise.reject(new Error('broken')) },
  'lacks a field': { inputs: [numeric('gone')] },
  'lacks one of two fields': { inputs: [numeric('x'), numeric('gone')] },
  'reads a text as a number': { inputs: [numeric('text')] },
  'wants a tensor': {
    inputs: [{ name: 'text', type: 'tensor', datatype: 'FP32', shape: [2, 2], required: true }],
  },
  'gives NaN': { score: (_, length) => yesOrNo(new Float64Array(length).fill(NaN), ['NO', 'YES']) },
  'gives infinite numbers': {
    score: (_, length) => yesOrNo(new Float64Array(length).fill(Infinity), ['NO', 'YES']),
  },
  'gives no rows': { score: () => yesOrNo(new Float64Array(0), ['NO', 'YES']) },
  'gives nothing at all': { score: () => ({}) as ReturnType<Model['score']> },
}

describe('a shadow model', () => {
  for (const [what, changes] of Object.entries(BAD)) {
    it(`that ${what} changes no byte, and is counted`, async () => {
      const plain = await open({}, [])
      const beside = await open({ shadow: 'bad', 'shadow.header': 'true' }, [classifier('bad', changes)])
      for (let batches = 1; batches <= 2; batches++) {
        expect(await outputOf(await beside.apply(RECORDS))).to.deep.equal(
          await outputOf(await plain.apply(RECORDS)),
        )
        const [figures] = figuresOf(beside)
        expect(figures).to.deep.include({ model: 'bad', rows: 0, notScored: GOOD * batches, batches })
        expect(figures?.['problem']).to.match(/broken|gone|text|number|null|undefined/)
      }
    })
  }

  it('that scores changes no byte either, unless headers are wanted', async () => {
    const plain = await open({}, [])
    const good = classifier('good', {
      version: '3',
      score: (columns) =>
        yesOrNo(
          firstOf(columns).map((p) => p / 2),
          ['NO', 'YES'],
        ),
    })
    const beside = await open({ shadow: 'good' }, [good])
    const wanted = await outputOf(await plain.apply(RECORDS))
    expect(await outputOf(await beside.apply(RECORDS))).to.deep.equal(wanted)
    const config = { shadow: 'good', 'shadow.header': 'true', 'version.header': 'false' }
    const headers = await open(config, [good])
    const batch = await headers.apply(RECORDS)
    const shown = RECORDS.map((_, i) =>
      batch.headers(i).map(({ key, value }) => [key, JSON.parse(String(value)) as unknown]),
    )
    const said = (yes: number) => [
      [
        'sluice.shadow',
        {
          model: 'good',
          version: '3',
          prediction: yes < 0.5 ? 'NO' : 'YES',
          outputs: { NO: 1 - yes, YES: yes },
        },
      ],
    ]
    expect(shown).to.deep.equal([said(0.125), [], said(0.375), [], [], said(0.5)])
  })

  it('is compared: equal labels, differences by class, whatever the order of its labels', async () => {
    const shadow = classifier('other', {
      format: 'onnx',
      algorithm: 'graph',
      version: '7',
      labels: ['YES', 'NO'],
      outputs: ['YES', 'NO'],
      inputs: [numeric('y')],
      score: (columns) => yesOrNo(firstOf(columns), ['YES', 'NO']),
    })
    const opened = await open({ shadow: 'other' }, [shadow])
    await opened.apply([row(0.25, 0.5), row(0.75, 0.75), row(0.5, null), row(0.125, 0.25)])
    const [figures] = figuresOf(opened)
    expect(figures).to.deep.include({
      model: 'other',
      version: '7',
      serving: 'serving$1',
      rows: 3,
      notScored: 1,
    })
    expect(figures).to.deep.include({
      labelled: 3,
      equal: 2,
      compared: 6,
      largest: 0.25,
      difference: 0.75,
      batches: 1,
    })
    await opened.apply([row(0, 0)])
    expect(figuresOf(opened)[0]).to.deep.include({ rows: 4, equal: 3, difference: 0.75, batches: 2 })
  })

  it('is compared with each of the models that share the records', async () => {
    const half = classifier('half', {
      score: (columns) =>
        yesOrNo(
          firstOf(columns).map((p) => p / 2),
          ['NO', 'YES'],
        ),
    })
    const config = { model: 'serving:0.5,half:0.5', shadow: 'serving' }
    const opened = await open(config, [half])
    const records = Array.from({ length: 200 }, (_, i) => ({ ...row(0.5), key: `key ${i}` }))
    const batch = await opened.apply(records)
    const byHalf = records.filter((_, i) => String(batch.headers(i)[0]?.value) === 'half$1').length
    expect(byHalf).to.be.within(60, 140)
    expect(figuresOf(opened)[0]).to.deep.include({
      serving: 'serving$1, half$1',
      rows: 200,
      equal: 200 - byHalf,
      difference: 2 * byHalf * 0.25,
    })
  })

  it('finds its columns where `fields` says, which may name columns that it alone has', async () => {
    const shadow = classifier('other', { inputs: [numeric('own')] })
    const opened = await open({ shadow: 'other', fields: 'own:y' }, [shadow])
    await opened.apply([row(0.25, 0.25), row(0.5, 0.5)])
    expect(figuresOf(opened)[0]).to.deep.include({ rows: 2, notScored: 0, difference: 0 })
  })

  it('begins anew where another model serves, also under the same version, and says in the log what there was', async () => {
    let serving = classifier('other')
    const live: Model = {
      ...serving,
      get serving() {
        return serving
      },
    }
    const opened = await open({ shadow: 'other' }, [live])
    await opened.apply([row(0.25), row(0.5)])
    await opened.apply([row(0.25)])
    expect(opened.said).to.deep.equal([])
    for (const version of ['2', '2']) {
      serving = classifier('other', { version })
      await opened.apply([row(0.25)])
      expect(figuresOf(opened)[0]).to.deep.include({ version: '2', rows: 1, batches: 1 })
    }
    opened.close()
    opened.close()
    expect(opened.said.map((each) => [each['version'], each['rows'], each['equal_labels']])).to.deep.equal([
      ['1', 3, 1],
      ['2', 1, 1],
      ['2', 1, 1],
    ])
  })

  it('is in the log once a minute while records come, and once at the end', async () => {
    const now = performance.now.bind(performance)
    let later = 0
    performance.now = () => now() + later
    try {
      const opened = await open({ shadow: 'other' }, [classifier('other')])
      const lines: number[] = []
      for (const seconds of [0, 30, 59, 61, 62, 120, 122]) {
        later = seconds * 1000
        await opened.apply([row(0.25)])
        lines.push(opened.said.length)
      }
      expect(lines).to.deep.equal([0, 0, 0, 1, 1, 1, 2])
      opened.close()
      expect(opened.said.map(({ rows }) => rows)).to.deep.equal([4, 7, 7])
    } finally {
      performance.now = now
    }
  })

  it('reads the array that the serving model reads, as numbers or as a tensor', async () => {
    const input = (name: string) => ({ inputs: [numeric(name), numeric(`${name}2`)] })
    const tensor: Partial<Model> = {
      inputs: [{ name: 't', type: 'tensor', datatype: 'FP32', shape: [2], required: true }],
      score: ([column], length) => {
        if (column?.type !== 'tensor') throw new Error('a tensor is expected')
        return yesOrNo(
          Float64Array.from({ length }, (_, i) => Number(column.data[i * 2])),
          ['NO', 'YES'],
        )
      },
    }
    const three = { inputs: [numeric('a'), numeric('b'), numeric('c')] }
    const models = [
      classifier('array', input('x')),
      classifier('same', input('y')),
      classifier('tensor', tensor),
      classifier('three', three),
    ]
    const opened = await open({ model: 'array', fields: 'all', shadow: 'same,tensor,three' }, models)
    const schema = { type: 'ARRAY' as const, optional: false, valueSchema: OPTIONAL_FLOAT64 }
    const valueSchema = { ...SCHEMA, fields: [{ name: 'all', schema }] }
    const batch = await opened.apply(
      [0.25, 0.75].map((x) => ({ valueSchema, value: struct({ all: [x, 1] }) })),
    )
    expect([0, 1].map((i) => batch.isLive(i))).to.deep.equal([true, true])
    const found = figuresOf(opened).map(({ model, rows, notScored, difference }) => [
      model,
      rows,
      notScored,
      difference,
    ])
    expect(found).to.deep.equal([
      ['same', 2, 0, 0],
      ['tensor', 2, 0, 0],
      ['three', 0, 2, 0],
    ])
  })

  it('may be one of several, each with its own figures and header', async () => {
    const opened = await open({ shadow: 'a,b', 'shadow.header': 'true' }, [
      classifier('a'),
      classifier('b', BAD['throws']),
    ])
    const batch = await opened.apply([row(0.25)])
    expect(figuresOf(opened).map(({ model, rows, notScored }) => [model, rows, notScored])).to.deep.equal([
      ['a', 1, 0],
      ['b', 0, 1],
    ])
    expect(batch.headers(0).map(({ key }) => key)).to.deep.equal(['sluice.model', 'sluice.shadow'])
  })

  it('must be for the same task and have the same labels', async () => {
    for (const [shadow, said] of [
      [
        detector('d', 1),
        'The shadow model d cannot be compared with serving: it is for anomaly, not for classification.',
      ],
      [classifier('l', { labels: ['NO', 'MAYBE'] }), 'its labels are NO, MAYBE, not NO, YES.'],
      [classifier('m', { labels: ['NO', 'YES', 'MAYBE'] }), 'its labels are NO, YES, MAYBE, not NO, YES.'],
    ] as const) {
      const error: unknown = await open({ shadow: shadow.name }, [shadow]).catch((reason: unknown) => reason)
      expect(String(error)).to.include(said)
      expect(error).to.have.nested.property('problems[0].path', 'shadow')
    }
    const error: unknown = await open({ shadow: 'nobody' }, []).catch((reason: unknown) => reason)
    expect(error).to.include({ code: 'model.missing', configPath: 'shadow' })
    expect(scoreH2o.config.parse({ model: 'm', shadow: 'a,,b' }).problems).to.have.length(1)
  })
})
