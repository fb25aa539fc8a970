import {
  checkExpression,
  ConfigError,
  type ConfigOf,
  type ConfigProblem,
  DataError,
  defineConfig,
  eachRecord,
  type Expression,
  expressionOf,
  type Field,
  isStruct,
  key,
  type RecordBatch,
  type Schema,
  type SchemaCheck,
  struct,
  type Transform,
  type TransformPlugin,
  type Value,
} from 'sluice'
import { computeExamples } from './examples.ts'
import { columnOf, findResultType, mismatch, type ResultType, resultOf, TYPE_NAMES } from './result-types.ts'

const config = defineConfig({
  field: key.string({
    doc: 'The field of the value that the result goes into. One that is there already is replaced, with its type.',
    importance: 'HIGH',
    check: (name) => (name === '' ? 'The field has no name' : undefined),
  }),
  expression: key.string({
    doc: 'An expression in CEL: `double(value.Distance) * 1.609344`. It sees value, key, headers, topic, partition, offset and timestamp: [expressions](../expressions.md).',
    importance: 'HIGH',
    check: checkExpression,
  }),
  'field.type': key.string({
    doc: `The type of the field: ${TYPE_NAMES.join(', ')} (with so many places). The field is always optional, since an expression may give null.`,
    importance: 'HIGH',
    recommended: TYPE_NAMES,
    check: (text) =>
      findResultType(text) === undefined ? `Must be one of: ${TYPE_NAMES.join(', ')}` : undefined,
  }),
})

const hasField = (schema: Schema, name: string) =>
  schema.fields?.some((field) => field.name === name) === true

class ComputeOneField implements Transform {
  readonly #expression: Expression
  readonly #type: ResultType
  readonly #field: Field
  /** Of the schemas that came. */
  readonly #extended = new WeakMap<Schema, Schema>()

  constructor(expression: Expression, type: ResultType, name: string) {
    this.#expression = expression
    this.#type = type
    this.#field = { name, schema: type.schema }
  }

  /** Of records in bytes, only the fields of the expression are read, and the result goes behind the bytes. */
  apply(batch: RecordBatch): RecordBatch {
    const evaluate = this.#expression.over(batch)
    const results = new Array<Value>(batch.length).fill(null)
    let replaced = 0
    eachRecord(batch, (row) => {
      if (batch.isNull('value', row)) return
      results[row] = resultOf(this.#type, evaluate(row))
      if (this.#isReplaced(batch, row)) replaced++
    })
    return replaced > 0
      ? this.#replace(batch, results)
      : batch.append('value', [this.#field], [columnOf(this.#type, results)])
  }

  #isReplaced(batch: RecordBatch, row: number): boolean {
    const schema = batch.schema('value', row)
    if (schema !== null) return hasField(schema, this.#field.name)
    const value = batch.value('value', row)
    return value instanceof Map ? value.has(this.#field.name) : isStruct(value) && this.#field.name in value
  }

  #replace(batch: RecordBatch, results: readonly Value[]): RecordBatch {
    const schemas = new Array<Schema | null>(batch.length).fill(null)
    const values = new Array<Value>(batch.length).fill(null)
    eachRecord(batch, (row) => {
      const schema = batch.schema('value', row)
      const value = batch.value('value', row)
      if (!batch.isLive(row)) return
      schemas[row] = schema === null || value === null ? schema : this.#withField(schema)
      values[row] = value === null ? null : withValue(value, this.#field.name, results[row] ?? null)
    })
    return batch.withData('value', schemas, values)
  }

  #withField(schema: Schema): Schema {
    let extended = this.#extended.get(schema)
    if (extended === undefined) {
      const fields = schema.fields ?? []
      const { name } = this.#field
      const all = hasField(schema, name)
        ? fields.map((field) => (field.name === name ? this.#field : field))
        : [...fields, this.#field]
      extended = { ...schema, fields: all }
      this.#extended.set(schema, extended)
    }
    return extended
  }

  checkSchema(schema: Schema | null): SchemaCheck {
    const checked = this.#expression.check(schema)
    const problems: ConfigProblem[] = []
    if ('problem' in checked) problems.push({ path: 'expression', message: checked.problem })
    else {
      const message = mismatch(this.#type, checked.kind)
      if (message !== undefined) problems.push({ path: 'field.type', message })
    }
    if (schema === null) return { schema: null, problems }
    if (schema.fields !== undefined) return { schema: this.#withField(schema), problems }
    const message = `a field can be added to a struct only, and the schema is ${schema.type}. Use a converter that gives structs.`
    return { schema, problems: [...problems, { path: 'field', message }] }
  }
}

function withValue(value: Value, name: string, result: Value): Value {
  if (value instanceof Map) return new Map([...(value as ReadonlyMap<Value, Value>), [name, result]])
  if (!isStruct(value))
    throw new DataError(
      'record.schema',
      'A field can be added to a struct or map only. Use another converter.',
    )
  const copy = struct(value)
  copy[name] = result
  return copy
}

export const computeField: TransformPlugin<typeof config.keys> = {
  kind: 'transform',
  level: 'record',
  name: 'ComputeField',
  version: '0.1.0',
  summary: 'Adds or replaces a field of the value, computed by an expression.',
  config,
  examples: computeExamples,
  open({ field, expression: text, 'field.type': name }: ConfigOf<typeof config.keys>): Transform {
    const expression = expressionOf(text)
    const type = findResultType(name)!
    const message = mismatch(type, expression.kind)
    if (message !== undefined) throw new ConfigError([{ path: 'field.type', message }])
    return new ComputeOneField(expression, type, field)
  },
}
