import { didYouMean, type Json, type JsonObject } from 'sluice'

/** The attribute of types and fields that says how values are made; the name is that of Confluent's datagen. */
export const ANNOTATIONS = 'arg.properties'

/** Takes what is wrong with the annotations of a field. */
export type Report = (message: string) => void

export function isObject(json: Json | undefined): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

/** As a person wrote it, but not at any length. */
export function shown(json: Json | undefined): string {
  if (json === undefined) return 'none'
  const text = JSON.stringify(json, (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  )
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

/** The annotations of one type, and an object within them. Whatever is wrong is reported with the place it is at. */
export class Annotations {
  readonly #values: JsonObject
  readonly #name: string
  readonly #report: Report

  /** `name`: what errors call it, e.g. `Field "a" range`. */
  constructor(values: JsonObject, name: string, report: Report) {
    this.#values = values
    this.#name = name
    this.#report = report
  }

  get keys(): string[] {
    return Object.keys(this.#values)
  }

  has(key: string): boolean {
    return this.#values[key] !== undefined
  }

  get(key: string): Json | undefined {
    return this.#values[key]
  }

  problem(message: string): void {
    this.#report(`${this.#name} ${message}`)
  }

  /** Reports what is not among these. `what` has them, e.g. `a string`. */
  allow(keys: readonly string[], what: string): void {
    for (const key of this.keys.filter((each) => !keys.includes(each))) {
      const near = didYouMean(key, keys)
      const hint = near === undefined ? '' : ` Did you mean "${near}"?`
      this.problem(`has "${key}", which ${what} does not have: ${keys.join(', ')}.${hint}`)
    }
  }

  /** Reports those that say the same thing twice. */
  exclude(keys: readonly string[]): void {
    const given = keys.filter((key) => this.has(key))
    if (given.length > 1) this.problem(`has both ${given.join(' and ')}, which contradict each other.`)
  }

  text(key: string): string | undefined {
    return this.#typed(key, 'a text', (json) => (typeof json === 'string' ? json : undefined))
  }

  number(key: string): number | undefined {
    return this.#typed(key, 'a number', (json) => {
      const value = typeof json === 'bigint' ? Number(json) : json
      return typeof value === 'number' ? value : undefined
    })
  }

  /** From 0 to 1. */
  chance(key: string): number | undefined {
    return this.#typed(key, 'a number from 0 to 1', (json) =>
      typeof json === 'number' && json >= 0 && json <= 1 ? json : undefined,
    )
  }

  /** A whole number from 0 on. */
  count(key: string): number | undefined {
    return this.#typed(key, 'a whole number from 0 on', (json) =>
      typeof json === 'number' && Number.isSafeInteger(json) && json >= 0 ? json : undefined,
    )
  }

  list(key: string): readonly Json[] | undefined {
    return this.#typed(key, 'a list that is not empty', (json) =>
      Array.isArray(json) && json.length > 0 ? (json as readonly Json[]) : undefined,
    )
  }

  /** An object with some of these keys. */
  object(key: string, keys: readonly string[]): Annotations | undefined {
    const json = this.#typed(key, `an object with ${keys.join(', ')}`, (each) =>
      isObject(each) ? each : undefined,
    )
    if (json === undefined) return undefined
    const inner = this.within(key, json)
    inner.allow(keys, key)
    return inner
  }

  within(key: string, values: JsonObject): Annotations {
    return new Annotations(values, `${this.#name} ${key}`, this.#report)
  }

  #typed<T>(key: string, what: string, read: (json: Json) => T | undefined): T | undefined {
    const json = this.#values[key]
    if (json === undefined) return undefined
    const value = read(json)
    if (value === undefined) this.problem(`has ${key} ${shown(json)}, which must be ${what}.`)
    return value
  }
}
