// Rows per CPU second of the record batch codec, against kafkajs decoding the same bytes into objects.
// Usage: node --conditions=source bench/record-batch.ts [ROWS]
import { createRequire } from 'node:module'
import type { EncodedRows } from '../src/api/converter.ts'
import { decodePartition } from '../src/kafka/record-batches/record-batch-decode.ts'
import { encodeBatches, type OutgoingRows, seal } from '../src/kafka/record-batches/record-batch-encode.ts'

const require = createRequire(import.meta.url)
const rows = Number(process.argv[2] ?? 1_000_000)
const ROWS_PER_FETCH = 10_000
const VALUE_BYTES = 100

const value = Buffer.alloc(VALUE_BYTES, 'x')
const values: EncodedRows = {
  size: () => VALUE_BYTES,
  write(row, target, at) {
    value.copy(target, at)
    return target.writeInt32BE(row, at) + VALUE_BYTES - 4
  },
}
const keys: EncodedRows = { size: () => -1, write: (_row, _target, at) => at }
const headers: EncodedRows = { size: () => 1, write: (_row, target, at) => target.writeUInt8(0, at) }
const outgoing: OutgoingRows = {
  rows: Int32Array.from({ length: ROWS_PER_FETCH }, (_, i) => i),
  keys,
  values,
  headers,
  baseTimestamp: 1_700_000_000_000n,
  timestampDelta: (row) => row,
}

function encodeOnce(): Buffer {
  const batches = encodeBatches(outgoing, 1 << 22, 'none', () => undefined)
  batches.forEach((batch, i) =>
    seal(batch, { producerId: 1n, producerEpoch: 0, sequence: i * ROWS_PER_FETCH }),
  )
  return batches[0]!.bytes
}

/** CPU seconds of this process for `work`, with garbage collection and compilation. */
async function cpuSeconds(work: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const used = process.cpuUsage(before)
  return (used.user + used.system) / 1e6
}

const repeat = rows / ROWS_PER_FETCH
const results: Record<string, number> = {}
let encoded = encodeOnce()
for (let round = 0; round < 3; round++) {
  results['encode'] = await cpuSeconds(() => {
    for (let i = 0; i < repeat; i++) encoded = encodeOnce()
  })
  let bytes = 0
  results['decode'] = await cpuSeconds(() => {
    for (let i = 0; i < repeat; i++) {
      const fetched = { topic: 't', partition: 0, bytes: encoded, aborted: [] }
      const { batch } = decodePartition(fetched, { fromOffset: 0n, maxInflatedBytes: 1 << 26 })
      for (let row = 0; row < batch!.length; row++)
        bytes += batch!.values.end[row]! - batch!.values.start[row]!
    }
  })
  if (bytes !== rows * VALUE_BYTES) throw new Error(`decoded ${bytes} bytes`)
}

interface KafkajsDecoder {
  new (buffer: Buffer): unknown
}
const Decoder = require('kafkajs/src/protocol/decoder.js') as KafkajsDecoder
const decodeKafkajs = require('kafkajs/src/protocol/recordBatch/v0/decoder.js') as (
  decoder: unknown,
) => Promise<{ records: { value: Buffer }[] }>
results['decode, kafkajs'] = await cpuSeconds(async () => {
  for (let i = 0; i < repeat; i++) await decodeKafkajs(new Decoder(encoded))
})

console.table(
  Object.entries(results).map(([work, seconds]) => ({
    work,
    rows,
    'CPU s': Number(seconds.toFixed(3)),
    'rows per CPU s': Math.round(rows / seconds),
  })),
)
