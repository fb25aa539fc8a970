import type { AvroType, AvroTypeField, Json, JsonObject } from 'sluice'
import { BRANCH_KEYS, CONTRADICTIONS, keysOf, UNION_KEYS, wordsFor } from './annotation-keys.ts'
import { ANNOTATIONS, Annotations, isObject, type Report, shown } from './annotations.ts'
import { arrays, maps, records, unions } from './compound.ts'
import { fractionForm, fractionIteration, fractionRange } from './fractions.ts'
import { type Generator, generator, NOTHING } from './generator.ts'
import { options } from './options.ts'
import { booleans, bytes, randomBytes, symbols } from './plain.ts'
import { strings } from './strings.ts'
import { timestamps } from './timestamps.ts'
import { wholeForm } from './whole-form.ts'
import { wholeIteration, wholeRange } from './whole-numbers.ts'

/** Where a type stands in the schema. */
interface Place {
  /** In words: `Field "a.b"`. */
  readonly name: string
  /** Whether it is within an array or a map, and has several values in a record. */
  readonly isRepeated: boolean
}

/** Makes generators of types, by their annotations. */
export class Compiler {
  readonly #report: Report
  /** The annotations that were read: those of a named type count once. */
  readonly seen = new Set<Json>()

  constructor(report: Report) {
    this.#report = report
  }

  record(type: AvroType): Generator {
    return this.#type(type, { name: 'The schema', isRepeated: false })
  }

  /** `beside`: the annotations of the field that has the type. */
  #type(type: AvroType, place: Place, beside: JsonObject = {}): Generator {
    const own = this.#read(type.attributes, place)
    if (type.type === 'union') return this.#union(type, place, beside)
    for (const key of Object.keys(beside).filter((each) => own[each] !== undefined))
      this.#report(`${place.name} has "${key}" twice: at the field and at its type.`)
    const annotations = new Annotations({ ...own, ...beside }, place.name, this.#report)
    annotations.allow(keysOf(type), wordsFor(type))
    for (const keys of CONTRADICTIONS) annotations.exclude(keys)
    if (annotations.has('weights') && !annotations.has('options'))
      annotations.problem('has weights without options.')
    // Only what is well formed is looked at further: one mistake, one message.
    if (annotations.has('options')) return options(annotations, type)
    if (annotations.has('iteration') && place.isRepeated) {
      annotations.problem('has an iteration, which counts records, within an array or a map.')
      return NOTHING
    }
    if (annotations.has('timestamp')) return timestamps(annotations, type)
    return this.#plain(type, annotations, place)
  }

  #plain(type: AvroType, annotations: Annotations, place: Place): Generator {
    const whole = wholeForm(type)
    if (whole !== undefined)
      return annotations.has('iteration')
        ? wholeIteration(annotations, whole)
        : wholeRange(annotations, whole)
    const fraction = fractionForm(type)
    if (fraction !== undefined)
      return annotations.has('iteration')
        ? fractionIteration(annotations, fraction)
        : fractionRange(annotations, fraction)
    switch (type.type) {
      case 'boolean':
        return booleans(annotations)
      case 'string':
        return strings(annotations)
      case 'enum':
        return symbols(annotations, type)
      case 'bytes':
        return bytes(annotations)
      case 'fixed':
        return randomBytes(Number(type.attributes['size']), 1)
      case 'array':
        return arrays(annotations, type, this.#type(type.items!, inside(place, '[]')))
      case 'map':
        return maps(annotations, this.#keys(annotations, place), this.#type(type.items!, inside(place, '{}')))
      case 'record':
        return this.#fields(type, place)
      default:
        return generator(() => null)
    }
  }

  #fields(type: AvroType, place: Place): Generator {
    const fields = type.fields.map((field) => this.#field(field, place))
    return records(
      type.fields.map(({ name }) => name),
      fields,
    )
  }

  #field({ name, type, attributes }: AvroTypeField, { name: outer, isRepeated }: Place): Generator {
    const path = outer.startsWith('Field "') ? `${outer.slice(0, -1)}.${name}"` : `Field "${name}"`
    const place = { name: path, isRepeated }
    return this.#type(type, place, this.#read(attributes, place))
  }

  #keys(annotations: Annotations, place: Place): Generator {
    const keys = annotations.get('keys') ?? {}
    const type: AvroType = {
      type: 'string',
      name: 'string',
      attributes: {},
      connect: null,
      fields: [],
      items: null,
      branches: [],
    }
    if (isObject(keys)) return this.#type(type, inside(place, '{key}'), keys)
    annotations.problem(`has keys ${shown(keys)}, which must be an object.`)
    return NOTHING
  }

  /** What is beside a union is about the union; the rest about its type, where it has one besides null. */
  #union(type: AvroType, place: Place, beside: JsonObject): Generator {
    const others = type.branches.filter((branch) => branch.type.type !== 'null')
    const isOne = others.length === 1
    const about = Object.entries(beside).map(([key, value]) => {
      const isUnions = (isOne ? BRANCH_KEYS : UNION_KEYS).includes(key)
      return { key, value, isUnions }
    })
    const part = (unions: boolean) =>
      Object.fromEntries(
        about.filter(({ isUnions }) => isUnions === unions).map(({ key, value }) => [key, value]),
      )
    const annotations = new Annotations(part(true), place.name, this.#report)
    const rest = part(false)
    if (!isOne && Object.keys(rest).length > 0)
      annotations.problem(
        `has ${Object.keys(rest).join(', ')} beside a union. Write it at the type in the union that it is for.`,
      )
    for (const keys of CONTRADICTIONS) annotations.exclude(keys)
    if (annotations.has('options')) return options(annotations, type)
    const branches = type.branches.map((branch) =>
      this.#type(branch.type, place, isOne && branch === others[0] ? rest : {}),
    )
    return unions(annotations, type, branches)
  }

  #read(attributes: JsonObject, { name }: Place): JsonObject {
    const json = attributes[ANNOTATIONS]
    if (json === undefined) return {}
    this.seen.add(json)
    if (isObject(json)) return json
    this.#report(`${name} has ${ANNOTATIONS} ${shown(json)}, which must be an object.`)
    return {}
  }
}

function inside({ name }: Place, sign: string): Place {
  return { name: name.endsWith('"') ? `${name.slice(0, -1)}${sign}"` : name, isRepeated: true }
}
