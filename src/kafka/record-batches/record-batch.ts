/**
 * Positions in a record batch of magic 2 (Kafka protocol guide, "Record Batch"; KIP-98):
 *
 *     baseOffset i64 · batchLength i32 · partitionLeaderEpoch i32 · magic i8 · crc u32 · attributes i16 ·
 *     lastOffsetDelta i32 · baseTimestamp i64 · maxTimestamp i64 · producerId i64 · producerEpoch i16 ·
 *     baseSequence i32 · recordCount i32 · records
 *
 * batchLength counts from `epoch` on; the CRC-32C covers everything from `attributes` on.
 */
export const AT = {
  baseOffset: 0,
  batchLength: 8,
  epoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
  records: 61,
} as const

export const MAGIC = 2

/** Bits of `attributes`. */
export const ATTRIBUTE = {
  compression: 0x07,
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
} as const

/** The least size of a record: seven varints of one byte. */
export const LEAST_RECORD = 7
