import { ConfigError, type Field, key, OPTIONAL_STRING } from 'sluice'
import { firstRepeated } from './first-repeated.ts'
import { shorten } from './model-fields.ts'

/** Keys that say how the fields are called that a transform adds. */
export function outputKeys(names: string, versionField: string) {
  return {
    prefix: key.string({
      doc: `Put before the names of the fields that are added: ${names}, and that of \`version.field\`.`,
      importance: 'MEDIUM',
      group: 'Output',
      default: '',
      check: checkFieldName,
    }),
    outputs: key.list({
      doc: 'Other names for some of the fields that are added: `name:field` pairs, e.g. `prediction:is_late,p_YES:probability`, where an empty field leaves one out (`p_NO:`). A name is that without `prefix`; the field is a whole name, which `prefix` is not put before. What no pair names is added as ever.',
      importance: 'MEDIUM',
      group: 'Output',
      default: [],
      check: checkPairs,
    }),
    'version.field': key.string({
      doc: 'The field that gets the version of the model that scored the record. Empty: no field.',
      importance: 'LOW',
      group: 'Output',
      default: versionField,
      check: checkFieldName,
    }),
  }
}

export interface OutputNames {
  readonly prefix: string
  readonly outputs: readonly string[]
  readonly 'version.field': string
}

/** What a transform adds to a record. */
export interface OutputFields {
  readonly fields: readonly Field[]
  /** What belongs to these fields, of what there is for all that might be added, the version behind it. */
  select<T>(all: readonly T[]): T[]
}

/**
 * Names what a transform can add as the configuration says, and the version behind it. Throws ConfigError where a pair is
 * for something that is not added, nothing is left, or two fields have one name.
 */
export function nameOutputs(all: readonly Field[], values: OutputNames): OutputFields {
  const { prefix, outputs, 'version.field': version } = values
  const names = all.map(({ name }) => name)
  const fieldOf = new Map(outputs.map((pair) => pair.split(':', 2) as [string, string]))
  const unknown = [...fieldOf.keys()].filter((name) => !names.includes(name))
  if (unknown.length > 0)
    throw wrong(
      'outputs',
      `Nothing is added as ${unknown.join(', ')}. There is: ${shorten(names)}. (\`version.field\` names the version's field.)`,
    )
  const placed = all.map(({ name, schema }) => ({ name: fieldOf.get(name) ?? prefix + name, schema }))
  const places = [...placed.keys()].filter((i) => placed[i]?.name !== '')
  if (places.length === 0)
    throw wrong(
      'outputs',
      'All that would be added is left out. Leave a name out of `outputs`, or give it a field.',
    )
  const fields = places.map((i) => placed[i] as Field)
  const twice = firstRepeated(fields.map(({ name }) => name))
  if (twice !== undefined)
    throw wrong('outputs', `Two outputs would both become the field ${twice}. Give one of them another name.`)
  if (version !== '') {
    const name = prefix + version
    if (fields.some((field) => field.name === name))
      throw wrong(
        'version.field',
        `The field ${name} is added already. Choose another name for the version's.`,
      )
    fields.push({ name, schema: OPTIONAL_STRING })
    places.push(all.length)
  }
  return { fields, select: (each) => places.map((i) => each[i]!) }
}

function wrong(path: string, message: string): ConfigError {
  return new ConfigError([{ path, message }])
}

/** Empty, or a name that Avro takes. */
export function checkFieldName(value: string): string | undefined {
  return /^([A-Za-z_]\w*)?$/.test(value) ? undefined : 'A field name has letters, digits and "_" only'
}

function checkPairs(pairs: readonly string[]): string | undefined {
  const odd = pairs.find((pair) => !/^\w+:([A-Za-z_]\w*)?$/.test(pair))
  if (odd !== undefined) return `"${odd}" is not a name:field pair; a field has letters, digits and "_" only`
  const twice = firstRepeated(pairs.map((pair) => pair.slice(0, pair.indexOf(':'))))
  return twice === undefined ? undefined : `${twice} is named twice`
}
