import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import {
  type ExampleRecord,
  isStruct,
  type Models,
  type Schema,
  type SideName,
  SILENT,
  struct,
  type Value,
} from '../../../src/index.ts'
import { parseCsv } from '../../../transforms/text/parse-csv.ts'
import { batchOf } from '../../support/example-batch.ts'

const models: Models = { load: async () => Promise.reject(new Error('no model is needed')) }

async function parse(
  config: Record<string, string>,
  records: readonly ExampleRecord[],
  side: SideName = 'value',
) {
  const transform = await parseCsv.open(parseCsv.config.read(config), { side, models, log: SILENT })
  return transform.apply(batchOf(records))
}

async function parseLine(config: Record<string, string>, line: Value) {
  const batch = await parse(config, [{ value: line }])
  const error = batch.failure(0)
  if (error !== undefined) throw error
  return batch.record(0).value as Record<string, Value>
}

async function failure(config: Record<string, string>, line: Value): Promise<string> {
  const batch = await parse(config, [{ value: line }])
  const error = batch.failure(0)
  return `${error?.code ?? 'none'}: ${error?.message ?? ''}`
}

describe('ParseCsv', () => {
  it('gives every field its type, and a schema where each may be null', async () => {
    const fields = 'a:boolean,b:int32,c:int64,d:float32,e:float64,f:string'
    const batch = await parse({ fields, 'schema.name': 'test.Line' }, [{ value: 'TRUE,-7,+9,0.1,1e-3, x ' }])
    const { value, valueSchema } = batch.record(0)
    expect({ ...(value as object) }).to.deep.equal({
      ...{ a: true, b: -7, c: 9n, d: Math.fround(0.1), e: 0.001, f: ' x ' },
    })
    expect(isStruct(value)).to.equal(true)
    expect(valueSchema).to.include({ type: 'STRUCT', name: 'test.Line' })
    expect(
      valueSchema?.fields?.map(({ schema }) => [schema.type, schema.optional, schema.default]),
    ).to.deep.equal(
      ['BOOLEAN', 'INT32', 'INT64', 'FLOAT32', 'FLOAT64', 'STRING'].map((type) => [type, true, null]),
    )
  })

  it('reads bytes and keys too, and a line that still has its line end', async () => {
    expect({ ...(await parseLine({ fields: 'a:string,b:string' }, Buffer.from('é,b\r\n'))) }).to.deep.equal({
      ...{ a: 'é', b: 'b' },
    })
    const batch = await parse({ fields: 'a:int32' }, [{ key: '5', value: 'untouched' }], 'key')
    expect({ ...(batch.record(0).key as object) }).to.deep.equal({ a: 5 })
    expect(batch.record(0).value).to.equal('untouched')
  })

  it('adds the cells of a field’s line to its record, nulls where it has no line', async () => {
    const config = { field: 'line', fields: 'a:int64,b:string,c:float32[]' }
    const line: Schema = { type: 'BYTES', optional: true, default: null }
    const schema: Schema = { type: 'STRUCT', optional: false, fields: [{ name: 'line', schema: line }] }
    const lines = [Buffer.from('1,é,2.5\r\n'), null, Buffer.from([0xff])]
    const records = lines.map((each) => ({
      keySchema: schema,
      key: struct({ line: each }),
      value: 'untouched',
    }))
    const batch = await parse(config, records, 'key')
    expect({ ...(batch.record(0).key as object) }).to.deep.equal({
      ...{ line: lines[0], a: 1n, b: 'é', c: [2.5] },
    })
    expect(
      batch.record(0).keySchema?.fields?.map(({ name, schema: { optional } }) => [name, optional]),
    ).to.deep.equal(['line', 'a', 'b', 'c'].map((name) => [name, true]))
    expect({ ...(batch.record(1).key as object) }).to.deep.equal({ line: null, a: null, b: null, c: null })
    expect(batch.record(1).value).to.equal('untouched')
    expect(batch.failure(2)?.code).to.equal('record.malformed')
    const plain = await parse(config, [
      { value: new Map([['line', '1,x,2']]) },
      { value: struct({ line: 5 }) },
      { value: '1,x,2' },
    ])
    expect(plain.record(0).value).to.deep.equal(
      new Map<Value, Value>([
        ['line', '1,x,2'],
        ['a', 1n],
        ['b', 'x'],
        ['c', [2]],
      ]),
    )
    expect(plain.failure(1)?.message).to.match(/^The field line is not a line of text/)
    expect(plain.failure(2)?.code).to.match(/^record/)
  })

  it('reads back whatever was quoted', async () => {
    const cell = fc.string({ unit: fc.constantFrom('"', ',', ';', '\n', '\r', ' ', 'a', 'é', '\t') })
    await fc.assert(
      fc.asyncProperty(fc.array(cell, { minLength: 3, maxLength: 3 }), async (cells) => {
        const line = cells.map((text) => `"${text.replaceAll('"', '""')}"`).join(',')
        const found = await parseLine({ fields: 'a:string,b:string,c:string', 'missing.values': '?' }, line)
        expect(Object.values(found)).to.deep.equal(cells)
      }),
      { numRuns: 200 },
    )
  })

  it('reads the line of flights that Kafka Streams programs know', async () => {
    const fields =
      'Year:int32,Month:int32,-,-,DepTime:missing,CRSDepTime:int32,-,-,UniqueCarrier:string,-,TailNum:string,-,-,-,-,-,Origin:string,Dest:string,Rest:float64[]'
    const line = '1987,10,14,3,741,730,912,849,PS,1451,NA,91,79,NA,23,11,SAN,SFO,447,1,2,0'
    expect({ ...(await parseLine({ fields }, line)) }).to.deep.equal({
      ...{ Year: 1987, Month: 10, DepTime: null, CRSDepTime: 730, UniqueCarrier: 'PS', TailNum: null },
      ...{ Origin: 'SAN', Dest: 'SFO', Rest: [447, 1, 2, 0] },
    })
  })

  it('says what is wrong with a line, and lets the others of the batch pass', async () => {
    const fields = 'a:int32,b:float64'
    expect(await failure({ fields }, '1')).to.match(/^record.value: The line has 1 cells, and 2 are expected/)
    expect(await failure({ fields }, '1,2,3')).to.match(/has 3 cells/)
    expect(await failure({ fields }, '1.5,2')).to.match(
      /^record.value: The field a is "1.5", which is no int32/,
    )
    expect(await failure({ fields }, '2147483648,2')).to.match(/no int32/)
    expect(await failure({ fields: 'a:int64' }, '9223372036854775808')).to.match(/no int64/)
    for (const text of ['0x10', '1e999', 'Infinity', 'NaN', '1,', '--1', '1_000']) {
      expect(await failure({ fields: 'b:float64' }, text), text).to.match(/^record.value/)
    }
    for (const text of ['"a', 'a"b', '"a"b', '"a""']) {
      expect(await failure({ fields: 'a:string' }, text), text).to.match(
        /^record.malformed: The line is not CSV/,
      )
    }
    expect(await failure({ fields }, Buffer.from([0xff]))).to.match(/^record.malformed: .*UTF-8/)
    expect(await failure({ fields }, 5)).to.match(/^record.schema: .*not a line of text/)
    expect(await failure({ fields: 'a:zeros' }, '256,0')).to.match(/no shape/)
    expect(await failure({ fields: 'a:zeros' }, '256,1000000000')).to.match(/no shape/)
    const batch = await parse({ fields: 'a:int32' }, [{ value: 'x' }, { value: '1' }, { value: null }])
    expect([0, 1, 2].map((row) => batch.failure(row)?.code)).to.deep.equal([
      'record.value',
      undefined,
      undefined,
    ])
    expect(batch.isNull('value', 2)).to.equal(true)
  })
})

describe('the configuration of ParseCsv', () => {
  const problem = (config: Record<string, string>) =>
    parseCsv.config.parse(config).problems.map(({ path, message }) => `${path}: ${message}`)

  it('needs fields with names and types', () => {
    expect(problem({})).to.have.length(1)
    for (const fields of [
      '',
      '-',
      'a',
      'a:text',
      ':int32',
      'a b:int32',
      'a:int32,a:string',
      'a:zeros,b:int32',
    ]) {
      expect(problem({ fields }), fields).to.have.length(1)
    }
    expect(problem({ fields: '-,a:int32,b:float64[]' })).to.deep.equal([])
  })

  it('does not add the field of the line once more', async () => {
    const error: unknown = await parse({ field: 'line', fields: 'line:string' }, []).catch(
      (reason: unknown) => reason,
    )
    expect(String(error)).to.contain('The field line is the line itself')
  })

  it('takes one character as the delimiter', async () => {
    for (const delimiter of ['', ';;', '"'])
      expect(problem({ fields: 'a:int32', delimiter })).to.have.length(1)
    expect({ ...(await parseLine({ fields: 'a:int32,b:int32', delimiter: '\\t' }, '1\t2')) }).to.deep.equal({
      ...{ a: 1, b: 2 },
    })
  })
})
