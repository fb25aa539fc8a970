import { ConfluentSchemaRegistry } from '@platformatic/kafka'
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { recordText, startMemoryRegistry } from './client.ts'
import type { RegistryUnderTest } from './client.ts'

const FLIGHT = recordText('Flight', ['Year', 'int'], ['Origin', ['null', 'string'], null])
/** Decoded records have classes of avsc's. */
const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown
const flight = { Year: 2013, Origin: 'JFK' }

describe('clients of the registry', () => {
  let registry: RegistryUnderTest

  beforeEach(async () => {
    registry = await startMemoryRegistry()
  })
  afterEach(() => registry.close())

  describe('@kafkajs/confluent-schema-registry', () => {
    const clientOf = () => new SchemaRegistry({ host: registry.url, retry: { retries: 0 } })
    const avro = (schema: string) => ({ type: SchemaType.AVRO as const, schema })

    it('registers, encodes and decodes', async () => {
      const client = clientOf()
      const { id } = await client.register(avro(FLIGHT), { subject: 'flights-value' })
      expect(id).to.equal(1)
      const payload = await client.encode(id, flight)
      expect(plain(await clientOf().decode(payload))).to.deep.equal(flight)
      expect(await client.getLatestSchemaId('flights-value')).to.equal(1)
      expect(await client.getRegistryId('flights-value', 1)).to.equal(1)
      expect(await client.getRegistryIdBySchema('flights-value', avro(FLIGHT))).to.equal(1)
      expect((await registry.call('GET', '/config/flights-value')).body).to.deep.equal({
        compatibilityLevel: 'BACKWARD',
      })
    })

    it('is told that a schema is incompatible, and what is missing', async () => {
      const client = clientOf()
      await client.register(avro(FLIGHT), { subject: 's' })
      const error: unknown = await client
        .register(avro(recordText('Flight', ['Month', 'int'])), { subject: 's' })
        .catch((e: unknown) => e)
      expect(error).to.include({ status: 409 })
      expect((error as Error).message).to.include("The field 'Month' at path '/fields/0' in the new schema")
      const missing: unknown = await client.getLatestSchemaId('unknown').catch((e: unknown) => e)
      expect(missing).to.include({ status: 404 })
      const unknown: unknown = await client.getSchema(99).catch((e: unknown) => e)
      expect(unknown).to.include({ status: 404 })
    })

    it('uses types of referenced schemas', async () => {
      const client = clientOf()
      await client.register(avro(recordText('Airport', ['code', 'string'])), { subject: 'airports' })
      const references = [{ name: 'Airport', subject: 'airports', version: 1 }]
      const route = { ...avro(recordText('Route', ['from', 'Airport'])), references }
      const { id } = await client.register(route, { subject: 'routes' })
      const payload = await client.encode(id, { from: { code: 'JFK' } })
      expect(plain(await clientOf().decode(payload))).to.deep.equal({ from: { code: 'JFK' } })
    })
  })

  describe('@platformatic/kafka', () => {
    it('fetches schemas by id to serialize and deserialize', async () => {
      const { body } = await registry.register('flights-value', FLIGHT)
      const { id } = body as { id: number }
      const client = new ConfluentSchemaRegistry<string, unknown, string, string>({
        url: registry.url,
        retries: 0,
      })
      const fetched = (schemaId: number) =>
        new Promise<Error | null | undefined>((resolve) => {
          void client.fetchSchema(schemaId, resolve)
        })
      expect(await fetched(id)).to.equal(undefined)
      const metadata = { schemas: { value: id } }
      const encoded = client.getSerializers().value(flight, undefined, { value: flight, metadata } as never)
      expect(encoded?.readInt32BE(1)).to.equal(id)
      const decoded = client.getDeserializers().value(encoded, undefined, { metadata: {} } as never)
      expect(plain(decoded)).to.deep.equal(flight)
      expect((await fetched(99))?.message).to.include('404')
    })
  })
})
