/**
 * The records of the schemas topic, as Confluent's registry writes them: JSON keys and values, the properties of a key
 * always in the same order, because compaction compares bytes.
 */
import { COMPATIBILITY_LEVELS } from './compatibility-levels.ts'
import type { CompatibilityLevel } from './compatibility-levels.ts'

export interface SchemaReference {
  /** The name of the type, as the schema's text uses it. */
  readonly name: string
  readonly subject: string
  readonly version: number
}

export interface SchemaVersion {
  readonly subject: string
  readonly version: number
  readonly id: number
  /** AVRO, or what another registry has stored. */
  readonly schemaType: string
  readonly references: readonly SchemaReference[]
  /** The canonical text. */
  readonly schema: string
  readonly deleted: boolean
}

export const MODES = ['READWRITE', 'READONLY', 'READONLY_OVERRIDE'] as const
/** IMPORT is read (another registry may have set it) and never written. */
export type Mode = (typeof MODES)[number] | 'IMPORT'

/** A key with its value; `value` null is a tombstone. `subject` null is the global setting. */
export type TopicRecord =
  | {
      readonly type: 'SCHEMA'
      readonly subject: string
      readonly version: number
      readonly value: SchemaVersion | null
    }
  | { readonly type: 'CONFIG'; readonly subject: string | null; readonly value: CompatibilityLevel | null }
  | { readonly type: 'MODE'; readonly subject: string | null; readonly value: Mode | null }
  | { readonly type: 'DELETE_SUBJECT'; readonly subject: string; readonly value: number | null }

export function encodeKey(record: TopicRecord): string {
  const { type: keytype, subject } = record
  if (record.type === 'SCHEMA') return JSON.stringify({ keytype, subject, version: record.version, magic: 1 })
  return JSON.stringify({ keytype, subject, magic: 0 })
}

export function encodeValue(record: TopicRecord): string | null {
  if (record.value === null) return null
  switch (record.type) {
    case 'SCHEMA': {
      const { subject, version, id, schemaType, references, schema, deleted } = record.value
      const type = schemaType === 'AVRO' ? {} : { schemaType }
      const refs = references.length === 0 ? {} : { references }
      return JSON.stringify({ subject, version, id, ...type, ...refs, schema, deleted })
    }
    case 'CONFIG':
      return JSON.stringify({ compatibilityLevel: record.value })
    case 'MODE':
      return JSON.stringify({ mode: record.value })
    case 'DELETE_SUBJECT':
      return JSON.stringify({ subject: record.subject, version: record.value })
  }
}

/** null for what is of no concern: a NOOP, a key type of a later registry, or what is not such a record at all. */
export function decodeRecord(key: string | null, value: Uint8Array | null): TopicRecord | null {
  const parsed = key === null ? null : parseObject(key)
  if (parsed === null) return null
  const content = value === null ? null : parseObject(Buffer.from(value).toString('utf8'))
  if (value !== null && content === null) return null
  const { keytype, subject } = parsed
  if (keytype === 'SCHEMA') return decodeSchema(parsed, content)
  if (subject !== null && typeof subject !== 'string') return null
  if (keytype === 'CONFIG') {
    const level = content?.['compatibilityLevel']
    const known = COMPATIBILITY_LEVELS.find((one) => one === level)
    return { type: 'CONFIG', subject, value: known ?? null }
  }
  if (keytype === 'MODE') {
    const known = [...MODES, 'IMPORT' as const].find((one) => one === content?.['mode'])
    return { type: 'MODE', subject, value: known ?? null }
  }
  if (keytype === 'DELETE_SUBJECT' && subject !== null) {
    const version = content?.['version']
    return { type: 'DELETE_SUBJECT', subject, value: isWhole(version) ? version : null }
  }
  return null
}

function decodeSchema(key: JsonRecord, content: JsonRecord | null): TopicRecord | null {
  const { subject, version } = key
  if (typeof subject !== 'string' || !isWhole(version)) return null
  if (content === null) return { type: 'SCHEMA', subject, version, value: null }
  const { id, schema, schemaType, deleted, references } = content
  if (!isWhole(id) || typeof schema !== 'string') return null
  const value: SchemaVersion = {
    subject,
    version,
    id,
    schemaType: typeof schemaType === 'string' ? schemaType : 'AVRO',
    references: decodeReferences(references) ?? [],
    schema,
    deleted: deleted === true,
  }
  return { type: 'SCHEMA', subject, version, value }
}

/** null for what is not a list of references; absent and null are an empty list. */
export function decodeReferences(given: unknown): readonly SchemaReference[] | null {
  if (given === undefined || given === null) return []
  if (!Array.isArray(given)) return null
  const references: SchemaReference[] = []
  for (const one of given as unknown[]) {
    if (!isRecord(one)) return null
    const { name, subject, version } = one
    if (typeof name !== 'string' || typeof subject !== 'string' || !isVersion(version)) return null
    references.push({ name, subject, version })
  }
  return references
}

export type JsonRecord = Readonly<Record<string, unknown>>

export const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
/** −1 is the latest version. */
const isVersion = (value: unknown): value is number => isWhole(value) || value === -1

function parseObject(text: string): JsonRecord | null {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : null
  } catch {
    return null
  }
}
