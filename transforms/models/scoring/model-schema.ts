import { type ConfigProblem, LOGICAL, type Model, type Schema, type SchemaCheck } from 'sluice'
import {
  canHold,
  canHoldArray,
  mayNotFit,
  mistyped,
  noArray,
  typeName,
  UNION_NAME,
  wantedName,
} from './column-types.ts'
import { type ColumnSource, mayLack, SHOWN, shorten } from './model-fields.ts'
import type { FieldSource } from './model-inputs.ts'
import { HOW_TO_FILL } from './needed-columns.ts'

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
    warnings:
      problems.length > 0 || source.kind === 'array'
        ? []
        : [...lacking(schemaOf, model, source), ...fractions(schemaOf, model, source)],
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
    const found = schemaOf.get(field)
    if (found !== undefined) {
      if (canHold(found, input)) return []
      return [ofModel(mistyped({ field, input, model: model.name, found: 'schema' }, found))]
    }
    if (mayLack(input, source)) return []
    if (needs !== undefined) {
      const message = `the field ${field} is missing: the schema has none, and the model ${model.name} has nothing in the place of a missing value there. ${HOW_TO_FILL}`
      return [{ path: 'missing.fields', message }]
    }
    const wants = `the model ${model.name} needs ${wantedName(input)}${field === input.name ? '' : ` for its column ${input.name}`}`
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

/** Fields that may hold numbers which the model does not take, but need not. */
function fractions(schemaOf: ReadonlyMap<string, Schema>, model: Model, { fieldOf }: ColumnSource): string[] {
  return model.inputs.flatMap((input) => {
    const field = fieldOf.get(input.name) ?? input.name
    const schema = schemaOf.get(field)
    if (schema === undefined || !mayNotFit(schema, input)) return []
    return [
      `the field ${field} is ${typeName(schema)}, and the model ${model.name} takes whole numbers there: records with another number will fail.`,
    ]
  })
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
  if (canHoldArray(found, size)) return []
  return [ofModel(noArray({ field, size, model: model.name, found: 'schema' }, found))]
}
