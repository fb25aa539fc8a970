import { compressionsAlgorithms } from '@platformatic/kafka'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { messageOf } from '../../api/errors.ts'
import { inflateLz4, InflateProblem, inflateSnappy } from './inflate-blocks.ts'

/** Kafka's compression types, in the order of their codes (bits 0 to 2 of a batch's attributes). */
export const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type Compression = (typeof COMPRESSIONS)[number]

/**
 * The records of a compressed batch. Throws InflateProblem where they are malformed or larger than `limit`; memory
 * stays within the limit either way.
 */
export function inflate(code: number, bytes: Buffer, limit: number): Buffer {
  switch (COMPRESSIONS[code]) {
    case 'gzip':
      return bounded(() => gunzipSync(bytes, { maxOutputLength: limit }))
    case 'zstd':
      return bounded(() => zstdDecompressSync(bytes, { maxOutputLength: limit }))
    case 'snappy':
      return inflateSnappy(bytes, limit)
    case 'lz4':
      return inflateLz4(bytes, limit)
    case 'none':
      return bytes
    default:
      throw new InflateProblem(`compression type ${code} is unknown`)
  }
}

function bounded(inflateAll: () => Buffer): Buffer {
  try {
    return inflateAll()
  } catch (error) {
    const tooLarge = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
    throw new InflateProblem(messageOf(error), tooLarge)
  }
}

export function compress(compression: Compression, bytes: Buffer): Buffer {
  return compressionsAlgorithms[compression].compressSync(bytes)
}
