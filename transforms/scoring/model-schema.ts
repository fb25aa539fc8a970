import {
  type ConfigProblem,
  LOGICAL,
  type Model,
  type ModelInput,
  type Schema,
  type SchemaCheck,
} from 'sluice'
import { type ColumnSource, mayLack, SHOWN, shorten } from './model-fields.ts'
import type { FieldSource } from './model-inputs.ts'
import { HOW_TO_FILL } from './needed-columns.ts'

/** What Confluent's AvroData calls the struct it makes of a union of several types. */
const UNION_NAME = 'io.confluent.connect.avro.Union'

const NUMBERS: readonly string[] = ['INT8', 'INT16', 'INT32', 'INT64', 'FLOAT32', 'FLOAT64']
const TIMES: readonly (string | undefined)[] = [LOGICAL.date, LOGICAL.time, LOGICAL.timestamp]

/**
 * Compares what a model reads with a schema, by the rules that records are read by: what is wrong here would fail every
 * record. A schema that is not known has no problems.
 */
export function checkModelSchema(schema: Schema | null, model: Model, source: FieldSource): SchemaCheck {
  if (schema === null || schema.name === UNION_NAME) return { schema: null, problems: [] }
  const { fields } = schema
  if (fields === undefined) {
    const message = `the model ${model.name} needs a struct with its columns as fields, and the schema is ${typeName(schema)}. Use a converter that gives structs, or ParseCsv.`
    return { schema: null, problems: [{ path: 'model', message }] }
  }
  const schemaOf = new Map(fields.map((field) => [field.name, field.schema]))
  const wrong =
    source.kind === 'array'
      ? checkArray(schemaOf, model, source.field, source.size)
      : checkColumns(schemaOf, model, source)
  const problems = wrong.slice(0, SHOWN)
  if (wrong.length > SHOWN) problems.push(ofModel(`${wrong.length - SHOWN} more columns do not fit.`))
  return {
    problems,
    warnings: problems.length > 0 || source.kind === 'array' ? [] : lacking(schemaOf, model, source),
  }
}

function ofModel(message: string): ConfigProblem {
  return { path: 'model', message }
}

/** What is in one field, or is the key or value itself: bytes or a text. */
export type Content = 'an image' | 'a line'

/** The same for a field that holds an image or a line. */
export function checkContentField(schema: Schema | null, field: string, content: Content): SchemaCheck {
  if (schema === null || schema.name === UNION_NAME) return { schema: null, problems: [] }
  if (schema.fields === undefined) {
    const message = `there is no field ${field}: the schema is ${typeName(schema)}. Use a converter that gives structs, or leave \`field\` out.`
    return { schema: null, problems: [{ path: 'field', message }] }
  }
  const found = schema.fields.find(({ name }) => name === field)?.schema
  if (found !== undefined) return { problems: checkContent(found, `the field ${field}`, content) }
  const message = `the field ${field}, which is to hold ${content}, is missing: the schema has none.`
  return { problems: [{ path: 'field', message }] }
}

/** What is wrong with a schema that is to be an image or a line; nothing where it is not known. */
export function checkContent(schema: Schema | null, what: string, content: Content): ConfigProblem[] {
  if (schema === null || schema.name === UNION_NAME) return []
  const { type, name } = schema
  if (type === 'STRING' || (type === 'BYTES' && name !== LOGICAL.decimal)) return []
  const message = `${what} has the wrong type: ${content} is BYTES or STRING, and the schema has ${typeName(schema)}.`
  return [{ path: 'field', message }]
}

function checkColumns(
  schemaOf: ReadonlyMap<string, Schema>,
  model: Model,
  source: ColumnSource,
): ConfigProblem[] {
  const { fieldOf, needs } = source
  const fields = model.inputs.map(({ name }) => fieldOf.get(name) ?? name)
  if (fields.length > 0 && !fields.some((field) => schemaOf.has(field))) {
    const message = `the schema has none of the columns of the model ${model.name}: ${shorten(fields)}. Is it the right topic, or does the transform need \`fields\`?`
    return [ofModel(message)]
  }
  return model.inputs.flatMap((input, i): ConfigProblem[] => {
    const field = fields[i] ?? input.name
    const what = isText(input) ? 'a text or a number' : 'a number'
    const wants = `the model ${model.name} needs ${what}${field === input.name ? '' : ` for its column ${input.name}`}`
    const found = schemaOf.get(field)
    if (found !== undefined) {
      const message = `the field ${field} has the wrong type: ${wants}, and the schema has ${typeName(found)}.`
      return canBeRead(found, isText(input)) ? [] : [ofModel(message)]
    }
    if (mayLack(input, source)) return []
    if (needs !== undefined) {
      const message = `the field ${field} is missing: the schema has none, and the model ${model.name} has nothing in the place of a missing value there. ${HOW_TO_FILL}`
      return [{ path: 'missing.fields', message }]
    }
    if (fieldOf.has(input.name))
      return [
        {
          path: 'fields',
          message: `the field ${field} is missing: \`fields\` names it, ${wants}, and the schema has none.`,
        },
      ]
    return [ofModel(`the field ${field} is missing: ${wants}, and the schema has none.`)]
  })
}

/** Fields that no record has, which without a problem are those that records may lack. */
function lacking(schemaOf: ReadonlyMap<string, Schema>, model: Model, { fieldOf }: ColumnSource): string[] {
  const names = model.inputs
    .map(({ name }) => fieldOf.get(name) ?? name)
    .filter((name) => !schemaOf.has(name))
  if (names.length === 0) return []
  return [
    `the schema has no ${shorten(names)}: the model ${model.name} will score all records with a missing value there.`,
  ]
}

function isText({ type }: ModelInput): boolean {
  return type === 'categorical'
}

/** Whether a value can be read as a number, or as a text, which a number can be too. */
function canBeRead(schema: Schema, asText: boolean): boolean {
  if (schema.name === UNION_NAME)
    return (schema.fields ?? []).some((branch) => canBeRead(branch.schema, asText))
  if (schema.type === 'BYTES') return schema.name === LOGICAL.decimal
  return NUMBERS.includes(schema.type) || schema.type === 'BOOLEAN' || (asText && schema.type === 'STRING')
}

function checkArray(
  schemaOf: ReadonlyMap<string, Schema>,
  model: Model,
  field: string,
  size: number,
): ConfigProblem[] {
  const needs = `the model ${model.name} needs an array of ${size} numbers`
  const found = schemaOf.get(field)
  if (found === undefined)
    return [ofModel(`the field ${field} is missing: ${needs}, and the schema has none.`)]
  // One number may stand alone.
  if ((found.type === 'ARRAY' || found.name === UNION_NAME || size === 1) && holdsNumbers(found)) return []
  return [ofModel(`the field ${field} has the wrong type: ${needs}, and the schema has ${typeName(found)}.`)]
}

function holdsNumbers({ type, name, valueSchema }: Schema): boolean {
  if (type === 'ARRAY') return valueSchema === undefined || holdsNumbers(valueSchema)
  return name === UNION_NAME || (NUMBERS.includes(type) && !TIMES.includes(name))
}

function typeName({ type, name, valueSchema }: Schema): string {
  if (type === 'ARRAY' && valueSchema !== undefined) return `ARRAY of ${typeName(valueSchema)}`
  return name === undefined ? type : `${type} (${name})`
}
