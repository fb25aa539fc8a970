import { notUnderstood, PojoLexer } from './pojo-lexer.ts'
import type { PojoClass, PojoSource } from './pojo-source.ts'

/** The class `name` as seen from within `from`: nested ones first, then those around it. */
export function findClass(pojo: PojoSource, from: PojoClass, name: string): PojoClass {
  for (let around: PojoClass | null = from; around !== null; around = around.outer) {
    const found = around.classes.get(name)
    if (found !== undefined) return found
  }
  const found = pojo.classes.get(name)
  if (found === undefined) throw notUnderstood(pojo.source, from.at, `there is no class ${name}`)
  return found
}

/** A number literal, possibly negative, as Java reads it: a float where it ends in `f`. */
export function readNumber(lexer: PojoLexer): number {
  const isNegative = lexer.take('-')
  const { text } = lexer
  if (lexer.kind !== 'number') throw lexer.fail(`a number is expected instead of "${text.slice(0, 60)}"`)
  lexer.advance()
  const value = Number(text.replace(/[fFdDlL]$/, ''))
  const number = /[fF]$/.test(text) ? Math.fround(value) : value
  return isNegative ? -number : number
}

function lexerAt(pojo: PojoSource, owner: PojoClass, field: string): PojoLexer {
  const found = owner.fields.get(field)
  if (found === undefined) {
    throw notUnderstood(pojo.source, owner.at, `the class ${owner.name} has no field ${field}`)
  }
  return new PojoLexer(pojo.source, found.at)
}

/** Reads `{a, b, …}` with what reads one item. */
function readList<T>(lexer: PojoLexer, item: (lexer: PojoLexer) => T): T[] {
  lexer.expect('{')
  const items: T[] = []
  while (!lexer.take('}')) {
    if (items.length > 0) lexer.expect(',')
    items.push(item(lexer))
  }
  return items
}

/** A field of numbers, `{…}` or `new double[] {…}`; null where it is null or absent. */
export function numbersOf(pojo: PojoSource, owner: PojoClass, field: string): number[] | null {
  if (!owner.fields.has(field)) return null
  const lexer = lexerAt(pojo, owner, field)
  if (lexer.is('null')) return null
  if (lexer.take('new')) {
    lexer.advance()
    lexer.expect('[', ']')
  }
  return readList(lexer, readNumber)
}

/** A field of one number. */
export function numberOf(pojo: PojoSource, owner: PojoClass, field: string): number {
  return readNumber(lexerAt(pojo, owner, field))
}

/** A field `new String[][] {…}` (or double, float): the class that holds each item; null for an item that is null. */
export function classesOf(pojo: PojoSource, owner: PojoClass, field: string): (PojoClass | null)[] {
  const lexer = lexerAt(pojo, owner, field)
  lexer.expect('new')
  lexer.advance()
  lexer.expect('[', ']', '[', ']')
  return readList(lexer, (items) => (items.take('null') ? null : valuesClass(pojo, owner, items)))
}

function valuesClass(pojo: PojoSource, owner: PojoClass, lexer: PojoLexer): PojoClass {
  const found = findClass(pojo, owner, lexer.read('name'))
  lexer.expect('.', 'VALUES')
  return found
}

/** A field `X.VALUES`: the class X. */
export function holderOf(pojo: PojoSource, owner: PojoClass, field: string): PojoClass {
  return valuesClass(pojo, owner, lexerAt(pojo, owner, field))
}

interface Fill<T> {
  /** The length, and the assignments of each index; null where VALUES is null. */
  readonly length: number
  set(index: number, lexer: PojoLexer): void
  readonly type: T
}

/** Runs over `VALUES = new T[n]` and the fill methods that set its items; false where it is null. */
function fill(
  pojo: PojoSource,
  holder: PojoClass,
  type: string,
  start: (length: number) => Fill<string>,
): boolean {
  onlyOnce(pojo, holder)
  const lexer = lexerAt(pojo, holder, 'VALUES')
  if (lexer.take('null')) return false
  lexer.expect('new', type, '[')
  const { at } = lexer
  const length = readNumber(lexer)
  pojo.budget.items -= length
  if (!Number.isInteger(length) || length < 0 || pojo.budget.items < 0) {
    throw notUnderstood(pojo.source, at, `an array of ${length} items is longer than what is assigned to it`)
  }
  const target = start(length)
  for (const { from } of holder.statics) {
    const calls = new PojoLexer(pojo.source, from)
    while (!calls.is('}')) {
      const part = findClass(pojo, holder, calls.read('name'))
      calls.expect('.', 'fill', '(', 'VALUES', ')', ';')
      assign(pojo, part, target)
    }
  }
  return true
}

function assign(pojo: PojoSource, part: PojoClass, target: Fill<string>): void {
  onlyOnce(pojo, part)
  const body = part.methods.get('fill')
  if (body === undefined) throw notUnderstood(pojo.source, part.at, `${part.name} has no method fill`)
  const lexer = new PojoLexer(pojo.source, body.from)
  while (!lexer.is('}')) {
    lexer.expect('sa', '[')
    const index = readNumber(lexer)
    if (!(index < target.length)) throw lexer.fail(`there is no item ${index}`)
    lexer.expect(']', '=')
    target.set(index, lexer)
    lexer.expect(';')
  }
}

/** H2O gives each array classes of its own. */
function onlyOnce({ source, filled }: PojoSource, owner: PojoClass): void {
  if (filled.has(owner)) throw notUnderstood(source, owner.at, `the class ${owner.name} is used twice`)
  filled.add(owner)
}

/** The strings that a holder class fills in. */
export function stringsIn(pojo: PojoSource, holder: PojoClass): string[] {
  const values: (string | undefined)[] = []
  const isThere = fill(pojo, holder, 'String', (length) => {
    values.length = length
    return { type: 'String', length, set: (index, lexer) => void (values[index] = lexer.read('string')) }
  })
  const missing = values.findIndex((value) => value === undefined)
  if (!isThere || missing >= 0 || values.includes(undefined)) {
    throw notUnderstood(pojo.source, holder.at, `${holder.name} lacks item ${Math.max(0, missing)}`)
  }
  return values as string[]
}

/** The numbers that a holder class fills in (an item that is not set is 0, as in Java); null where there are none. */
export function numbersIn(
  pojo: PojoSource,
  holder: PojoClass,
  type: 'double' | 'float',
): Float64Array | null {
  let values = new Float64Array(0)
  const isThere = fill(pojo, holder, type, (length) => {
    values = new Float64Array(length)
    return { type, length, set: (index, lexer) => void (values[index] = readNumber(lexer)) }
  })
  if (type === 'float') values = values.map(Math.fround)
  return isThere ? values : null
}
