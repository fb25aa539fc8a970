import { readFileSync } from 'node:fs'
import path from 'node:path'
import { crc32 } from 'node:zlib'
import avro from 'avsc'
import type { Kafka, Message } from 'kafkajs'
import { flights } from './flights.ts'
import { PARTITIONS, REPOSITORY, say } from './job.ts'
import { registerSchema } from './registry.ts'

const RECORDS_PER_BATCH = 1000
/** Confluent's wire format: magic 0 and the schema's id, big-endian. */
export const WIRE_HEADER_BYTES = 5

export const FLIGHT_SCHEMA_FILE = path.join(REPOSITORY, 'schemas', 'flight.avsc')

export interface Source {
  readonly schema: string
  readonly schemaId: number
  /** By row: the CRC-32 of the flight's Avro bytes, to see afterwards that each arrived whole. */
  readonly checksums: Uint32Array
}

export interface SourceOptions {
  readonly kafka: Kafka
  readonly registry: string
  readonly topic: string
  readonly records: number
}

/** Fills the source topic: one flight per record, its key the row's number, row i in partition i modulo 6. */
export async function produceFlights({ kafka, registry, topic, records }: SourceOptions): Promise<Source> {
  const schema = readFileSync(FLIGHT_SCHEMA_FILE, 'utf8')
  const schemaId = await registerSchema(registry, `${topic}-value`, schema)
  const encode = encoder(schema, schemaId)
  const checksums = new Uint32Array(records)
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  try {
    const rows = flights()
    const step = RECORDS_PER_BATCH * PARTITIONS
    for (let from = 0; from < records; from += step) {
      const messages: Message[] = []
      for (let row = from; row < Math.min(from + step, records); row++) {
        const value = encode(rows.next().value)
        checksums[row] = crc32(value.subarray(WIRE_HEADER_BYTES))
        messages.push({ key: String(row), value, partition: row % PARTITIONS })
      }
      await producer.send({ topic, messages })
      if (from % (step * 25) === 0) say(`  produced ${from.toLocaleString('en')}`)
    }
  } finally {
    await producer.disconnect()
  }
  return { schema, schemaId, checksums }
}

function encoder(schema: string, schemaId: number): (flight: object) => Buffer {
  const type = avro.Type.forSchema(JSON.parse(schema) as avro.Schema)
  return (flight) => {
    const body = type.toBuffer(flight)
    const value = Buffer.allocUnsafe(WIRE_HEADER_BYTES + body.length)
    value[0] = 0
    value.writeInt32BE(schemaId, 1)
    body.copy(value, WIRE_HEADER_BYTES)
    return value
  }
}
