import { Draw } from '../../../connectors/datagen/draw.ts'
import { planRecords, type RecordPlan } from '../../../connectors/datagen/record-plan.ts'
import type { Struct, Value } from '../../../src/index.ts'

/** The schema of a record with these fields; a type, or a field but for its name. */
export function schemaOf(fields: Readonly<Record<string, unknown>>): string {
  const list = Object.entries(fields).map(([name, field]) => {
    const isField = typeof field === 'object' && field !== null && 'of' in field
    return isField ? { name, type: field.of, ...field, of: undefined } : { name, type: field }
  })
  return JSON.stringify({ type: 'record', name: 'Row', fields: list }, (_, value: unknown) =>
    typeof value === 'bigint'
      ? (JSON as unknown as { rawJSON: (text: string) => unknown }).rawJSON(String(value))
      : value,
  )
}

/** A field of this type with these annotations. */
export const annotated = (of: unknown, annotations: unknown) => ({ of, 'arg.properties': annotations })

export function planOf(text: string): RecordPlan {
  const plan = planRecords(text)
  if ('problems' in plan) throw new Error(plan.problems.join('\n'))
  return plan
}

export function problemsOf(text: string): readonly string[] {
  const plan = planRecords(text)
  return 'problems' in plan ? plan.problems : []
}

export function recordsOf(
  plan: RecordPlan,
  count: number,
  { seed = 1n, task = 0, from = 0, now = 0 } = {},
): Struct[] {
  const draw = new Draw(seed, task)
  return Array.from({ length: count }, (_, i) => {
    draw.begin(from + i, now)
    return plan.make(draw)
  })
}

/** Values of the one field of a schema. */
export function valuesOf(of: unknown, annotations: unknown, count: number, options = {}): Value[] {
  const plan = planOf(schemaOf({ a: annotated(of, annotations) }))
  return recordsOf(plan, count, options).map(({ a }) => a ?? null)
}
