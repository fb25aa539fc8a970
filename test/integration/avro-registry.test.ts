import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { avroConverter } from '../../src/converters/avro/plugin.ts'
import { recordsSide } from '../../src/converters/records-side.ts'
import { ConnectError, type Field, OPTIONAL_FLOAT64, OPTIONAL_STRING, type Side } from '../../src/index.ts'
import { allRows, bytesOf, Failures, openConverter, slicesOf } from '../converters/support.ts'
import { type RegistryUnderTest, startMemoryRegistry } from '../registry/client.ts'
import { flightSchema, heldOutFlights } from '../support/flights.ts'

const COUNT = 500
const SCORES: Field[] = [
  { name: 'prediction', schema: OPTIONAL_STRING },
  { name: 'p_YES', schema: OPTIONAL_FLOAT64 },
]
/** Records of avsc have classes of their own. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as Record<string, unknown>

describe('AvroConverter with the embedded registry', () => {
  let registry: RegistryUnderTest
  let client: SchemaRegistry
  let failures: Failures
  const flights = heldOutFlights()
    .slice(0, COUNT)
    .map(({ flight }) => flight)

  beforeEach(async () => {
    registry = await startMemoryRegistry()
    client = new SchemaRegistry({ host: registry.url })
    failures = new Failures()
  })
  afterEach(() => registry.close())

  const open = () => openConverter(avroConverter, { 'schema.registry.url': registry.url })

  async function produced(): Promise<Buffer[]> {
    const { id } = await client.register(
      { type: SchemaType.AVRO, schema: flightSchema },
      { subject: 'flights-value' },
    )
    return Promise.all(flights.map((flight) => client.encode(id, flight)))
  }

  function scored(side: Side, fields: readonly Field[]): Side {
    const label = {
      type: 'category' as const,
      levels: allRows(COUNT).map((n) => n % 2),
      domain: ['NO', 'YES'],
    }
    const values = Float64Array.from({ length: COUNT }, (_, i) => i / COUNT)
    const p = { type: 'float64' as const, values, present: new Uint8Array(COUNT).fill(1) }
    const columns = fields.map((field) => (field.schema.type === 'STRING' ? label : p))
    return side.append(fields, columns, failures, failures.fail)
  }

  it('reads what another client wrote, and another client reads what it wrote, spliced or plain', async () => {
    const converter = open()
    const side = await converter.decode('flights', slicesOf(await produced()), failures.fail)
    const distance = side.column('Distance', 'float64', failures, failures.fail)
    expect([...distance.values]).to.deep.equal(flights.map((flight) => flight['Distance'] ?? NaN))

    const spliced = scored(side, SCORES)
    const bytes = bytesOf(
      await converter.encode('scores', spliced, allRows(COUNT), failures.fail),
      allRows(COUNT),
    )
    const objects = recordsSide(
      [...allRows(COUNT)].map((row) => spliced.schema(row, failures.fail)),
      [...allRows(COUNT)].map((row) => spliced.value(row, failures.fail)),
    )
    const fromObjects = await converter.encode('scores', objects, allRows(COUNT), failures.fail)
    expect(bytesOf(fromObjects, allRows(COUNT))).to.deep.equal(bytes)
    expect(failures.codes()).to.deep.equal({})
    for (const [row, flight] of flights.entries()) {
      expect(plain(await client.decode(bytes[row]!))).to.deep.equal({
        ...flight,
        prediction: row % 2 === 0 ? 'NO' : 'YES',
        p_YES: row / COUNT,
      })
    }
  })

  it('registers one version per set of fields, each compatible with the one before', async () => {
    const records = slicesOf(await produced())
    for (const fields of [
      SCORES,
      SCORES,
      [...SCORES, { name: 'p_MAYBE', schema: OPTIONAL_FLOAT64 }],
      SCORES,
    ]) {
      const converter = open()
      const side = await converter.decode('flights', records, failures.fail)
      await converter.encode('scores', scored(side, fields), allRows(COUNT), failures.fail)
    }
    expect((await registry.call('GET', '/subjects/scores-value/versions')).body).to.deep.equal([1, 2])
    expect(failures.codes()).to.deep.equal({})
  })

  it('fails the task, not records, where the target subject holds something incompatible', async () => {
    const converter = open()
    await registry.register(
      'scores-value',
      '{"type":"record","name":"Flight","namespace":"sluice.flights","fields":[{"name":"Year","type":"string"}]}',
    )
    const side = await converter.decode('flights', slicesOf(await produced()), failures.fail)
    const thrown: unknown = await converter
      .encode('scores', scored(side, SCORES), allRows(COUNT), failures.fail)
      .catch((error: unknown) => error)
    expect(thrown).to.be.instanceOf(ConnectError)
    expect((thrown as ConnectError).code).to.equal('schema.incompatible')
    expect(failures.codes()).to.deep.equal({})
  })

  it('uses referenced schemas of the registry', async () => {
    await registry.register(
      'airport',
      '{"type":"record","name":"Airport","namespace":"x","fields":[{"name":"code","type":"string"}]}',
    )
    const references = [{ name: 'x.Airport', subject: 'airport', version: 1 }]
    const route = '{"type":"record","name":"Route","fields":[{"name":"from","type":"x.Airport"}]}'
    await registry.register('routes-value', route, { references })
    const { id } = (await registry.call('GET', '/subjects/routes-value/versions/1')).body as { id: number }
    const converter = open()
    const row = await client.encode(id, { from: { code: 'JFK' } })
    const side = await converter.decode('routes', slicesOf([row]), failures.fail)
    const label = { type: 'string' as const, values: ['YES'] }
    const longer = side.append([SCORES[0]!], [label], failures, failures.fail)
    const [encoded] = bytesOf(await converter.encode('scored', longer, allRows(1), failures.fail), [0])
    expect(plain(await client.decode(encoded!))).to.deep.equal({ from: { code: 'JFK' }, prediction: 'YES' })
  })
})
