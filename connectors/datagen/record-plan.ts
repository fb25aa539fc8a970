import { ConnectError, type Json, readAvroSchema, type Schema, type Struct } from 'sluice'
import { ANNOTATIONS, isObject } from './annotations.ts'
import { Compiler } from './compile.ts'
import type { Draw } from './draw.ts'

/** How the records of a schema are made. */
export interface RecordPlan {
  readonly schema: Schema
  readonly make: (draw: Draw) => Struct
}

/** Of one record: as many characters and values as that are more than Kafka takes by default. */
const LARGEST = 1_000_000
/** More say no more than these. */
const MOST_PROBLEMS = 20

/** Reads a schema with its annotations; what is wrong with it is a problem each, naming its field. */
export function planRecords(text: string): RecordPlan | { readonly problems: readonly string[] } {
  try {
    return plan(text)
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error
    return { problems: [error.message] }
  }
}

function plan(text: string): RecordPlan | { readonly problems: readonly string[] } {
  const { json, type, schema } = readAvroSchema(text, ANNOTATIONS)
  if (type.type !== 'record')
    return { problems: [`The schema is of the type ${type.type}. Records are made of a record.`] }
  const problems = new Set<string>()
  const compiler = new Compiler((message) => problems.add(message))
  const { make, size } = compiler.record(type)
  for (const place of unread(json, compiler.seen, ''))
    problems.add(`${ANNOTATIONS} at ${place} has no effect there. Write it at a type or a field.`)
  if (size > LARGEST && problems.size === 0)
    problems.add(`A record could have ${size} characters and values, more than ${LARGEST}. Lower a length.`)
  if (problems.size > 0) return { problems: [...problems].slice(0, MOST_PROBLEMS) }
  return { schema, make: make as RecordPlan['make'] }
}

/** Where annotations stand that nobody has read, as JSON pointers. */
function unread(json: Json | undefined, seen: ReadonlySet<Json>, at: string): string[] {
  if (Array.isArray(json))
    return (json as readonly Json[]).flatMap((item, i) => unread(item, seen, `${at}/${i}`))
  if (!isObject(json)) return []
  return Object.entries(json).flatMap(([name, value]) => {
    if (name === ANNOTATIONS) return value === undefined || seen.has(value) ? [] : [`${at}/${name}`]
    return name === 'default' ? [] : unread(value, seen, `${at}/${name}`)
  })
}
