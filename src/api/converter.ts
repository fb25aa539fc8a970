import type { FailRow, Side, SideName } from './batch.ts'
import type { ConfigDefinition, ConfigKeys, ConfigOf } from './config.ts'
import type { Logger } from './log.ts'
import type { Schema } from './schema.ts'

/** Byte ranges of one buffer, one per row: a null row has start −1. */
export interface Slices {
  readonly bytes: Buffer
  readonly start: Int32Array
  readonly end: Int32Array
  readonly length: number
}

/** Encoded rows, written straight into the record batch that is sent: no Buffer per row. */
export interface EncodedRows {
  /** The byte length of a row; −1 for null. */
  size(row: number): number
  /** Writes a row's bytes at `at`; returns where they end. Never called for a null row. */
  write(row: number, target: Buffer, at: number): number
}

/** Bytes ↔ data for the keys or the values of a connector's batches. One instance per task and side. */
export interface Converter {
  /** Reads a batch's bytes. Rows that are not what the converter expects are reported, at the latest when read. */
  decode(topic: string, slices: Slices, fail: FailRow): Promise<Side>
  /** Turns the given rows of a side into bytes for a topic (subject names contain it). */
  encode(topic: string, side: Side, rows: Int32Array, fail: FailRow): Promise<EncodedRows>
  /**
   * The schema that records of a topic have, as far as it is known before one is read; null where it is not, or cannot
   * be asked for at the moment. For checks of a configuration: it answers soon and never throws.
   */
  topicSchema?(topic: string): Promise<Schema | null>
  close?(): void
}

/**
 * Waits for something outside of this process. No deadline of a plugin counts meanwhile, and `signal` is aborted where
 * nobody waits for the batch any more: `work` must end then.
 */
export type Outside = <T>(work: (signal: AbortSignal) => Promise<T>) => Promise<T>

export interface ConverterContext {
  readonly side: SideName
  readonly log: Logger
  /** For requests over the network. Absent where nothing but the caller waits for them. */
  readonly outside?: Outside
}

export interface ConverterPlugin<K extends ConfigKeys = ConfigKeys> {
  readonly kind: 'converter'
  /** The simple name, e.g. `AvroConverter`. */
  readonly name: string
  /** Java class names that mean the same. */
  readonly aliases: readonly string[]
  readonly version: string
  readonly summary: string
  readonly config: ConfigDefinition<K>
  open(config: ConfigOf<K>, context: ConverterContext): Converter
}
