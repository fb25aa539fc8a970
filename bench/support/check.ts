import { crc32 } from 'node:zlib'
import avro from 'avsc'
import type { EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs'
import { type Source, WIRE_HEADER_BYTES } from './data.ts'
import { say } from './job.ts'
import { schemaById } from './registry.ts'

/** How far two probabilities of the same flight may be apart. */
const TOLERANCE = 1e-12

/** What one engine wrote, by row. */
interface Outputs {
  /** How often each row is there, at most 255. */
  readonly times: Uint8Array
  readonly labels: (string | undefined)[]
  /** Two a row: NO, YES. */
  readonly probabilities: Float64Array
  /** Rows whose flight is not the one that was produced. */
  changed: number
  /** Keys that are no row's. */
  foreign: number
}

export interface Check {
  readonly ok: boolean
  readonly records: number
  readonly missing: number
  /** Outputs beyond the first of their row: at-least-once allows them. */
  readonly duplicates: number
  readonly changedFlights: number
  readonly foreign: number
  readonly differentLabels: number
  readonly largestDifference: number
}

export interface CheckOptions {
  readonly kafka: Kafka
  readonly registry: string
  readonly source: Source
}

/** Reads both topics with an independent client and compares the outputs of each row, and its flight with the source's. */
export async function compareOutputs(options: CheckOptions, left: string, right: string): Promise<Check> {
  const a = await readOutputs(options, left)
  const b = await readOutputs(options, right)
  const records = options.source.checksums.length
  const found = { missing: 0, duplicates: 0, differentLabels: 0, largestDifference: 0 }
  for (let row = 0; row < records; row++) {
    for (const { times } of [a, b]) {
      if (times[row] === 0) found.missing++
      else found.duplicates += times[row]! - 1
    }
    if (a.times[row] === 0 || b.times[row] === 0) continue
    if (a.labels[row] !== b.labels[row]) found.differentLabels++
    for (const at of [2 * row, 2 * row + 1]) {
      const difference = Math.abs(a.probabilities[at]! - b.probabilities[at]!)
      found.largestDifference = Math.max(found.largestDifference, difference) // a NaN stays
    }
  }
  const counts = { ...found, changedFlights: a.changed + b.changed, foreign: a.foreign + b.foreign }
  const ok =
    counts.missing + counts.changedFlights + counts.foreign + counts.differentLabels === 0 &&
    counts.largestDifference < TOLERANCE
  return { ok, records, ...counts }
}

async function readOutputs({ kafka, registry, source }: CheckOptions, topic: string): Promise<Outputs> {
  const records = source.checksums.length
  const outputs: Outputs = {
    times: new Uint8Array(records),
    labels: new Array<string | undefined>(records),
    probabilities: new Float64Array(2 * records),
    changed: 0,
    foreign: 0,
  }
  const decode = decoder(registry, source)
  say(`  reading ${topic}`)
  await readTopic(kafka, topic, async ({ batch }) => {
    for (const message of batch.messages) {
      const row = Number(message.key?.toString() ?? Number.NaN)
      if (!(row >= 0 && row < records)) outputs.foreign++
      else store(outputs, row, await decode(message), source)
    }
  })
  return outputs
}

interface Scored {
  readonly label: string
  readonly probabilities: readonly number[]
  readonly flightChecksum: number
}

function store(outputs: Outputs, row: number, scored: Scored, source: Source): void {
  if (scored.flightChecksum !== source.checksums[row]) outputs.changed++
  if (outputs.times[row] === 0) {
    outputs.labels[row] = scored.label
    outputs.probabilities.set(scored.probabilities, 2 * row)
  }
  outputs.times[row] = Math.min(outputs.times[row]! + 1, 255)
}

/** Decodes with the schema that the record names; the flight in it is encoded again, to be compared as bytes. */
function decoder(registry: string, source: Source): (message: KafkaMessage) => Promise<Scored> {
  const flight = avro.Type.forSchema(JSON.parse(source.schema) as avro.Schema)
  const types = new Map<number, Promise<avro.Type>>()
  return async ({ value }) => {
    if (value?.[0] !== 0) throw new Error('an output is not in the wire format of Avro')
    const id = value.readInt32BE(1)
    const fetched = types.get(id) ?? schemaById(registry, id).then(parsed)
    types.set(id, fetched)
    const record = (await fetched).fromBuffer(value.subarray(WIRE_HEADER_BYTES)) as Record<string, unknown>
    return {
      label: String(record['prediction']),
      probabilities: [Number(record['p_NO']), Number(record['p_YES'])],
      flightChecksum: crc32(flight.toBuffer(record)),
    }
  }
}

function parsed(schema: string): avro.Type {
  return avro.Type.forSchema(JSON.parse(schema) as avro.Schema)
}

type EachBatch = (payload: EachBatchPayload) => Promise<void>

/** Hands over all that is in the topic now. */
async function readTopic(kafka: Kafka, topic: string, eachBatch: EachBatch): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  const ends = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  const unread = new Set(ends.filter(({ high }) => high !== '0').map(({ partition }) => partition))
  const lastOffset = new Map(ends.map(({ partition, high }) => [partition, BigInt(high) - 1n]))
  const consumer = kafka.consumer({ groupId: `check-${topic}`, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  try {
    await new Promise<void>((resolve, reject) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
      const run = consumer.run({
        autoCommit: false,
        eachBatch: async (payload) => {
          const { partition } = payload.batch
          if (unread.has(partition)) await eachBatch(payload)
          if (BigInt(payload.batch.lastOffset()) >= (lastOffset.get(partition) ?? 0n))
            unread.delete(partition)
          if (unread.size === 0) resolve()
        },
      })
      run.catch(reject)
    })
  } finally {
    await consumer.disconnect()
  }
}
