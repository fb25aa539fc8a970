import type { AvroSchema } from './avro-schema.ts'
import { incompatibilities } from './compatibility.ts'
import type { Incompatibility } from './compatibility.ts'

export const COMPATIBILITY_LEVELS = [
  'NONE',
  'BACKWARD',
  'BACKWARD_TRANSITIVE',
  'FORWARD',
  'FORWARD_TRANSITIVE',
  'FULL',
  'FULL_TRANSITIVE',
] as const
export type CompatibilityLevel = (typeof COMPATIBILITY_LEVELS)[number]

export interface EarlierVersion {
  readonly version: number
  readonly schema: AvroSchema
  /** Its canonical text. */
  readonly text: string
}

const MAX_SHOWN_SCHEMA = 10_240

/**
 * Checks a schema against earlier versions (ascending) at a level: the latest, or all of them where the level is
 * transitive. Returns what is wrong with the newest version that it does not fit, in the words of Confluent's
 * registry; empty where it fits.
 */
export function checkCompatibility(
  level: CompatibilityLevel,
  schema: AvroSchema,
  earlier: readonly EarlierVersion[],
): readonly string[] {
  if (level === 'NONE') return []
  const compared = level.endsWith('_TRANSITIVE') ? earlier.toReversed() : earlier.slice(-1)
  for (const version of compared) {
    const messages = [
      ...(level.startsWith('BACKWARD')
        ? []
        : describe(incompatibilities(version.schema, schema), 'old', 'new')),
      ...(level.startsWith('FORWARD')
        ? []
        : describe(incompatibilities(schema, version.schema), 'new', 'old')),
    ]
    if (messages.length > 0) {
      return [
        ...messages,
        `{oldSchemaVersion: ${version.version}}`,
        shownSchema(version.text),
        `{validateFields: 'false', compatibility: '${level}'}`,
      ]
    }
  }
  return []
}

function shownSchema(text: string): string {
  if (text.length <= MAX_SHOWN_SCHEMA) return `{oldSchema: '${text}'}`
  return `{oldSchema: <truncated> '${text.slice(0, MAX_SHOWN_SCHEMA)}...'}`
}

function describe(found: readonly Incompatibility[], reader: string, writer: string): readonly string[] {
  return found.map(
    (one) =>
      `{errorType:'${one.kind}', description:'${description(one, reader, writer)}', ` +
      `additionalInfo:'${one.message}'}`,
  )
}

function description({ kind, message, path }: Incompatibility, reader: string, writer: string): string {
  switch (kind) {
    case 'FIXED_SIZE_MISMATCH':
      return `The size of FIXED type field at path '${path}' in the ${reader} schema does not match with the ${writer} schema`
    case 'TYPE_MISMATCH':
      return `The type (path '${path}') of a field in the ${reader} schema does not match with the ${writer} schema`
    case 'NAME_MISMATCH':
      return `The name of the schema has changed (path '${path}')`
    case 'MISSING_ENUM_SYMBOLS':
      return `The ${reader} schema is missing enum symbols '${message}' at path '${path}' in the ${writer} schema`
    case 'MISSING_UNION_BRANCH':
      return `The ${reader} schema is missing a type inside a union field at path '${path}' in the ${writer} schema`
    case 'READER_FIELD_MISSING_DEFAULT_VALUE':
      return `The field '${message}' at path '${path}' in the ${reader} schema has no default value and is missing in the ${writer} schema`
    case 'AMBIGUOUS_FIELD':
      return `The field at path '${path}' in the ${reader} schema matches several fields of the ${writer} schema`
  }
}
