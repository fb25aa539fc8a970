import avro from 'avsc'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { avroConverter } from '../../src/converters/avro/plugin.ts'
import { jsonConverter } from '../../src/converters/json/converter.ts'
import { recordsSide } from '../../src/converters/records-side.ts'
import {
  type Example,
  isStruct,
  type Schema,
  type SideName,
  SILENT,
  type TransformPlugin,
  type Value,
} from '../../src/index.ts'
import { transforms } from '../../src/runtime/plugins/plugins.ts'
import { eventually, uniqueName } from './eventually.ts'
import { complete } from './example-batch.ts'
import { call, type SluiceDev, startSluiceDev } from './sluice-dev.ts'
import { countRecords, fillTopic, readTopic } from './topics.ts'

/** Longs as bigint: some are beyond 2^53. */
const LONG = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(value)
    return bytes
  },
  fromJSON: (value: number) => BigInt(value),
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => Number(a > b) - Number(a < b),
})

/** The examples that would fail every record of the topic's schema, which is refused before anything runs; and why. */
const REFUSED: Readonly<Record<string, string>> = {
  'a record that lacks a field fails alone, and a tombstone passes':
    'the template names the field probability, which the schema does not have',
  'a record that has none of the model’s columns fails':
    'the schema has none of the columns of the model airline-delay: Month, DayofMonth, DayOfWeek,',
  'a record that already has a field of that name fails':
    'the field prediction, which would be added, is in the schema already',
  'a field of that name must not be there already':
    'the field prediction, which would be added, is in the schema already',
  'a record that has no such field fails, and so does one that has a cell’s field already':
    'the field line, which is to hold a line, is missing',
  'nothing is read from a location that is not allowed':
    'the field picture is a text, which says where an image is, and nothing may be read from anywhere',
}

const TEXT: Schema = { type: 'STRING', optional: false }

/** Data without a schema is what JSON without schemas gives; Avro cannot write it. */
function isSchemaless({ have }: Example): boolean {
  return have.some(({ value, valueSchema }) => isStruct(value ?? null) && valueSchema === undefined)
}

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown

/** Integers beyond 2^53 as bigint, to the last digit. */
function exactJson(text: string): unknown {
  const parse = JSON.parse as (text: string, reviver: Reviver) => unknown
  return parse(text, (_, value, { source = '' }) =>
    Number.isInteger(value) && !Number.isSafeInteger(value) ? BigInt(source) : value,
  )
}

/** The keys of the converter for an example's side: Avro, or JSON where its records have no schema. */
function converterKeys(example: Example, schemaRegistry: string): Record<string, string> {
  return isSchemaless(example)
    ? { converter: 'JsonConverter', 'converter.schemas.enable': 'false' }
    : { converter: 'AvroConverter', 'converter.schema.registry.url': schemaRegistry }
}

/** Which examples of a transform are run, and on which side of a record each. */
export interface Choice {
  readonly examples: (plugin: TransformPlugin) => readonly Example[]
  readonly sides: readonly SideName[]
}

/** Whether its connector is created; the others would fail every record. */
export function isRun({ summary }: Example): boolean {
  return !(summary in REFUSED)
}

/** What a transform's examples are in a connector: Avro in, Avro out (JSON where no schema is), dead letters for what fails. */
export function describeExamples(title: string, choice: Choice): void {
  describe(title, function () {
    this.timeout(180_000)
    testExamples(choice)
  })
}

function testExamples(choice: Choice): void {
  let sluice: SluiceDev

  before(async () => {
    sluice = await startSluiceDev({
      CONNECT_IMAGES_ALLOWED_DIRS: '/tmp',
      CONNECT_IMAGES_ALLOWED_ORIGINS: 'https://images.example.com',
    })
  })
  after(() => sluice.stop())

  /** The example's records as bytes, encoded for a side of a topic. */
  async function encode(topic: string, side: SideName, example: Example): Promise<(Buffer | null)[]> {
    const records = example.have.map(complete)
    const context = { side, log: SILENT }
    const converter = isSchemaless(example)
      ? jsonConverter.open(jsonConverter.config.read({ 'schemas.enable': 'false' }))
      : avroConverter.open(
          avroConverter.config.read({ 'schema.registry.url': sluice.schemaRegistry }),
          context,
        )
    const schemas = records.map(({ value, valueSchema }) =>
      typeof value === 'string' ? (valueSchema ?? TEXT) : valueSchema,
    )
    const data = recordsSide(
      schemas,
      records.map(({ value }) => value),
    )
    const rows = Int32Array.from(records.keys())
    const encoded = await converter.encode(topic, data, rows, (row, error) => {
      throw new Error(`example record ${row}: ${error.message}`)
    })
    return records.map((_, row) => {
      const size = encoded.size(row)
      if (size < 0) return null
      const bytes = Buffer.alloc(size)
      encoded.write(row, bytes, 0)
      return bytes
    })
  }

  async function decode(value: Buffer | null, schemaless: boolean): Promise<unknown> {
    if (value === null) return null
    if (schemaless) return exactJson(value.toString())
    const { body } = await call(sluice.schemaRegistry, 'GET', `/schemas/ids/${value.readInt32BE(1)}`)
    const schema = JSON.parse((body as { schema: string }).schema) as avro.Schema
    return avro.Type.forSchema(schema, { registry: { long: LONG } }).fromBuffer(value.subarray(5)) as unknown
  }

  /** The example is on one side; on the other is the number of the row, as text. */
  async function run(plugin: TransformPlugin, example: Example, side: SideName): Promise<void> {
    const [source, target, dead] = [uniqueName('in'), uniqueName('out'), uniqueName('dead')]
    const encoded = await encode(source, side, example)
    const [other, suffix] = side === 'key' ? (['value', 'Key'] as const) : (['key', 'Value'] as const)
    await fillTopic(
      sluice.bootstrapServers,
      source,
      1,
      encoded.map((bytes, i) =>
        side === 'key' ? { key: bytes, value: Buffer.from(String(i)) } : { key: String(i), value: bytes },
      ),
    )
    const options = Object.entries(example.config).map(
      ([key, value]) => [`transforms.x.${key}`, value] as const,
    )
    const keys = Object.entries(converterKeys(example, sluice.schemaRegistry)).map(
      ([key, value]) => [`${side}.${key}`, value] as const,
    )
    const created = await call(sluice.rest, 'POST', '/connectors', {
      name: target,
      config: {
        'connector.class': 'TopicSink',
        topics: source,
        'target.topic': target,
        ...Object.fromEntries(keys),
        [`${other}.converter`]: 'ByteArrayConverter',
        transforms: 'x',
        'transforms.x.type': plugin.level === 'record' ? plugin.name : `${plugin.name}$${suffix}`,
        ...Object.fromEntries(options),
        'errors.tolerance': 'all',
        'errors.deadletterqueue.topic.name': dead,
      },
    })
    const refusal = REFUSED[example.summary]
    if (refusal !== undefined) {
      expect(created.status, example.summary).to.equal(400)
      const { message } = created.body as { message: string }
      expect(message).to.include('the following 1 error(s)')
      expect(message).to.include(`Topic ${source} (${side}): ${refusal}`)
      return
    }
    expect(created.status, `${example.summary}: ${JSON.stringify(created.body)}`).to.equal(201)
    const kept = example.want.filter((want) => want !== null && !('error' in want))
    await eventually(async () => (await countRecords(sluice.bootstrapServers, target)) >= kept.length, {
      timeoutMs: 60_000,
    })
    await eventually(
      async () =>
        (await countRecords(sluice.bootstrapServers, dead)) >=
        example.want.filter((want) => want !== null && 'error' in want).length,
      { timeoutMs: 60_000 },
    )
    const found = new Map<string, unknown>()
    const read = kept.length === 0 ? [] : await readTopic(sluice.bootstrapServers, target)
    for (const message of read)
      found.set(message[other]?.toString() ?? '', await decode(message[side], isSchemaless(example)))
    for (const [row, want] of example.want.entries()) {
      if (want === null || 'error' in want) expect(found.has(String(row))).to.equal(false)
      else expectNear(found.get(String(row)), complete(want).value)
    }
    await call(sluice.rest, 'DELETE', `/connectors/${target}`)
  }

  // Apache's are compared with the real classes, in test/conformance, and run in connect-transforms.test.ts.
  const isOfApache = ({ aliases = [] }: TransformPlugin) =>
    aliases.some((name) => name.startsWith('org.apache.'))
  for (const plugin of transforms.filter((each) => !isOfApache(each))) {
    it(`${plugin.name} gives what its examples say`, async () => {
      const sides = plugin.level === 'record' ? (['value'] as const) : choice.sides
      const examples = choice.examples(plugin)
      await Promise.all(examples.flatMap((example) => sides.map((side) => run(plugin, example, side))))
    })
  }
}

/** Numbers may differ in their last bits between processors: float kernels round differently. */
function expectNear(found: unknown, wanted: Value): void {
  if (typeof wanted === 'number') expect(Number(found)).to.be.closeTo(wanted, 1e-6)
  else if (Array.isArray(wanted)) {
    expect((found as unknown[]).length).to.equal(wanted.length)
    wanted.forEach((each: Value, i) => expectNear((found as unknown[])[i], each))
  } else if (typeof wanted === 'object' && wanted !== null && !Buffer.isBuffer(wanted)) {
    for (const [name, each] of Object.entries(wanted as Readonly<Record<string, Value>>)) {
      const value = (found as Record<string, unknown>)[name]
      expectNear(value, each)
    }
  } else expect(typeof wanted === 'bigint' ? BigInt(found as number) : found).to.deep.equal(wanted)
}
