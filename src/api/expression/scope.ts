import type { SideName } from '../batch.ts'
import type { Schema } from '../schema.ts'
import { ExpressionError, type Range } from './expression-error.ts'
import { type CelValue, kindOfSchema, type StaticKind } from './values.ts'

/** What an expression reads of a record. */
export interface ExpressionRecord {
  variable(name: VariableName): CelValue
  /** A field of the key or value; undefined where there is none, or nothing that could have one. */
  field(side: SideName, name: string): CelValue | undefined
  /** Why that was undefined, and what to do. */
  whyMissing(side: SideName, name: string): string
}

/** What one evaluation works on: the record, and the item that a loop is at. */
export interface Frame {
  readonly record: ExpressionRecord
  item: CelValue
}

/** A kind, and the schema of what a list or map holds; null where it is unknown. */
export interface Known {
  readonly kind: StaticKind
  readonly schema: Schema | null
}

/** A part of an expression, ready to run. */
export interface Compiled extends Known {
  run(frame: Frame): CelValue
}

export type VariableName = SideName | 'headers' | 'topic' | 'partition' | 'offset' | 'timestamp'

const VARIABLES: Readonly<Record<VariableName, StaticKind>> = {
  key: 'dyn',
  value: 'dyn',
  headers: 'map',
  topic: 'string',
  partition: 'int',
  offset: 'int',
  timestamp: 'timestamp',
}

/** Those that have the same size in all records: what a loop may read besides its own variable. */
const OF_FIXED_SIZE: ReadonlySet<string> = new Set<VariableName>(['partition', 'offset', 'timestamp'])

/** Which fields of a side an expression reads, or all of it. */
export type Needs = Readonly<Record<SideName, ReadonlySet<string> | 'all'>>

/** The names that an expression may use, and what it used of the record. */
export class Scope {
  readonly #schemas: Readonly<Record<SideName, Schema | null>>
  readonly #fields = { key: new Set<string>(), value: new Set<string>() }
  readonly #whole = new Set<SideName>()
  #loop: { readonly name: string; readonly item: Known } | undefined

  constructor(schemas: Readonly<Record<SideName, Schema | null>>) {
    this.#schemas = schemas
  }

  get needs(): Needs {
    const of = (side: SideName) => (this.#whole.has(side) ? 'all' : this.#fields[side])
    return { key: of('key'), value: of('value') }
  }

  /** Compiles what stands within a loop. */
  within<T>(name: string, item: Known, range: Range, compile: () => T): T {
    if (this.#loop !== undefined)
      throw new ExpressionError(
        'A loop within a loop is not supported: its time would grow as a product',
        range,
      )
    if (name in VARIABLES)
      throw new ExpressionError(`${name} is the record's already: call the loop's variable otherwise`, range)
    this.#loop = { name, item }
    try {
      return compile()
    } finally {
      this.#loop = undefined
    }
  }

  /** What a name stands for. */
  resolve(name: string, range: Range): Compiled {
    if (this.#loop?.name === name) return { ...this.#loop.item, run: (frame) => frame.item }
    if (!Object.hasOwn(VARIABLES, name))
      throw new ExpressionError(
        `There is no ${name}: a record has ${Object.keys(VARIABLES).join(', ')}. A field is value.${name}`,
        range,
      )
    const variable = name as VariableName
    this.#checkLoop(variable, range)
    const side = sideOf(name)
    if (side !== undefined) this.#whole.add(side)
    return { ...this.#known(variable), run: ({ record }) => record.variable(variable) }
  }

  /** The same of a field of the key or value, which is read without the rest of the record. */
  resolveField(side: SideName, name: string, range: Range): Known {
    this.#checkLoop(side, range)
    this.#fields[side].add(name)
    return this.#known(side)
  }

  #known(variable: VariableName): Known {
    const side = sideOf(variable)
    if (side === undefined) return { kind: VARIABLES[variable], schema: null }
    const schema = this.#schemas[side]
    return { kind: kindOfSchema(schema), schema }
  }

  #checkLoop(variable: VariableName, range: Range): void {
    if (this.#loop === undefined || OF_FIXED_SIZE.has(variable)) return
    throw new ExpressionError(
      `A loop reads its own variable, ${this.#loop.name}, and no other part of the record than ${[...OF_FIXED_SIZE].join(', ')}: its time would grow as a product`,
      range,
    )
  }
}

export function sideOf(name: string): SideName | undefined {
  return name === 'key' || name === 'value' ? name : undefined
}
