import { DataError, type Field, isStruct, key, type Schema, type Value } from 'sluice'
import { entriesOf, fieldOf, requireStruct, valueOf } from './data.ts'

/** KIP-821. */
export const syntaxKey = {
  'field.syntax.version': key.string({
    doc: 'V1: a field’s name is taken as it is. V2: `a.b` is the field b of the field a, and `` `a.b` `` in backticks a field with a dot in its name.',
    importance: 'HIGH',
    default: 'V1',
    recommended: ['V1', 'V2'],
    check: (text) => (/^v[12]$/i.test(text) ? undefined : 'String must be one of (case insensitive): V1, V2'),
  }),
}

/** The names from the outermost field to the innermost; a string is what is wrong. */
export function fieldPath(text: string, version: string): readonly string[] | { readonly problem: string } {
  if (version.toUpperCase() === 'V1') return [text]
  const steps: string[] = []
  let at = 0
  while (at < text.length) {
    if (text[at] === '`') {
      const quoted = backticked(text, at)
      if (quoted === undefined) {
        const problem = `Incomplete backtick pair in path: [${text}], consider adding a backslash before backtick at position ${at} to escape it`
        return { problem }
      }
      steps.push(quoted.name)
      at = quoted.end
    } else {
      const dot = text.indexOf('.', at)
      const end = dot < 0 ? text.length : dot
      steps.push(text.slice(at, end))
      at = end + 1
    }
  }
  if (text.endsWith('.')) steps.push('')
  return steps.length === 0 ? { problem: 'The path names no field' } : steps
}

/** A name in backticks: it ends with one before a dot or the end; `\`` before a dot is part of it. */
function backticked(text: string, open: number): { readonly name: string; readonly end: number } | undefined {
  let name = ''
  let from = open + 1
  for (let at = text.indexOf('`', from); at >= 0; at = text.indexOf('`', at + 1)) {
    const escaped = text[at - 1] === '\\'
    const isLast = at === text.length - 1
    if (isLast) return escaped ? undefined : { name: name + text.slice(from, at), end: text.length }
    if (text[at + 1] !== '.') continue
    if (!escaped) return { name: name + text.slice(from, at), end: at + 2 }
    name += `${text.slice(from, at - 1)}\``
    from = at + 1
  }
  return undefined
}

const NESTED = 'nested field access'

export function fieldAt(schema: Schema, path: readonly string[]): Field | undefined {
  let field: Field | undefined
  for (const name of path) {
    field = fieldOf(field?.schema ?? schema, name)
    if (field === undefined) return undefined
  }
  return field
}

/** The value at a path; null where a struct on the way is. Structs on the way may come from defaults. */
export function valueAt(value: Value, schema: Schema, path: readonly string[], useDefault: boolean): Value {
  let current = value
  let at = schema
  for (const [i, name] of path.entries()) {
    if (current === null) return null
    const field = fieldOf(at, name)
    if (field === undefined) return null
    const isLast = i === path.length - 1
    current = valueOf(requireStruct(current, NESTED), field, isLast ? useDefault : true)
    if (!isLast && current !== null && !isStruct(current))
      throw new DataError('record.schema', `Only structs supported for [${NESTED}]`)
    at = field.schema
  }
  return current
}

/** The same without a schema. */
export function schemalessAt(value: Value, path: readonly string[]): Value {
  let current = value
  for (const name of path) {
    if (current === null) return null
    current = entriesOf(current, NESTED).get(name) ?? null
  }
  return current
}
