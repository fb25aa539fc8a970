import type { PojoLexer } from './pojo-lexer.ts'
import { readNumber } from './pojo-values.ts'

/** The condition of a split: all of it asks about one column. */
export interface Condition {
  readonly column: number
  /** The number of the first comparison with a float, by which a numeric column is split; null where there is none. */
  readonly threshold: number | null
  /** True where it uses a set of levels. */
  readonly hasLevels: boolean
  /** Does a value of the column (NaN: missing) go left? */
  readonly test: Test
}

/** The bytes of a field such as GRPSPLIT0. */
export type BytesOf = (field: string) => readonly number[]
type Test = (value: number) => boolean

/** Brackets within one condition. */
const MAX_DEPTH = 32
/** Questions in one condition: H2O needs six. */
const MAX_TERMS = 12

/** Reads a condition up to the `?` behind it; both H2O's newer and older ways of writing them are made of these parts. */
export function readCondition(lexer: PojoLexer, bytesOf: BytesOf): Condition {
  const reader = new ConditionReader(lexer, bytesOf)
  const test = reader.any(0)
  const { column, threshold, hasLevels } = reader
  if (column === null) throw lexer.fail('a condition names no column')
  return { column, threshold, hasLevels, test }
}

class ConditionReader {
  readonly #lexer: PojoLexer
  readonly #bytesOf: BytesOf
  column: number | null = null
  threshold: number | null = null
  hasLevels = false
  #terms = 0

  constructor(lexer: PojoLexer, bytesOf: BytesOf) {
    this.#lexer = lexer
    this.#bytesOf = bytesOf
  }

  any(depth: number): Test {
    const tests = [this.#all(depth)]
    while (this.#lexer.take('||')) tests.push(this.#all(depth))
    return tests.length === 1 ? tests[0]! : (value) => tests.some((test) => test(value))
  }

  #all(depth: number): Test {
    const tests = [this.#one(depth)]
    while (this.#lexer.take('&&')) tests.push(this.#one(depth))
    return tests.length === 1 ? tests[0]! : (value) => tests.every((test) => test(value))
  }

  #one(depth: number): Test {
    const lexer = this.#lexer
    if (depth > MAX_DEPTH) throw lexer.fail('a condition is nested too deeply')
    if (lexer.take('!')) {
      const test = this.#one(depth + 1)
      return (value) => !test(value)
    }
    if (lexer.take('(')) {
      const test = this.any(depth + 1)
      lexer.expect(')')
      return test
    }
    if (++this.#terms > MAX_TERMS) throw lexer.fail('a condition is too long')
    if (lexer.is('data')) return this.#comparison()
    if (lexer.take('Double')) {
      lexer.expect('.', 'isNaN', '(')
      this.#data()
      lexer.expect(')')
      return Number.isNaN
    }
    lexer.expect('GenModel', '.')
    return this.#levels(lexer.read('name'))
  }

  #comparison(): Test {
    const lexer = this.#lexer
    this.#data()
    const isBelow = lexer.take('<')
    if (!isBelow) lexer.expect('>=')
    const limit = readNumber(lexer)
    if (this.threshold !== null && this.threshold !== limit) this.hasLevels = true // only levels tell them apart
    this.threshold ??= limit
    return isBelow ? (value) => value < limit : (value) => value >= limit
  }

  #levels(method: string): Test {
    const lexer = this.#lexer
    this.hasLevels = true
    lexer.expect('(')
    if (method === 'bitSetIsInRange') {
      const [count, from] = [this.#argument(), this.#argument()]
      this.#data()
      lexer.expect(')')
      return (value) => inRange(value, count, from)
    }
    if (method !== 'bitSetContains') throw lexer.fail(`the method ${method} is not known`)
    const bytes = this.#bytesOf(lexer.read('name'))
    lexer.expect(',')
    const first = this.#argument()
    // H2O 3.10.0 and before wrote no count of bits: it is that of the bytes. A missing value counted as one of the set.
    const isOld = lexer.is('data')
    const [count, from] = isOld ? [bytes.length * 8, first] : [first, this.#argument()]
    this.#data()
    lexer.expect(')')
    if (!(count <= bytes.length * 8)) throw lexer.fail(`${count} levels do not fit ${bytes.length} bytes`)
    return (value) => {
      if (isOld && Number.isNaN(value)) return true
      const bit = Math.trunc(value) - from
      return inRange(value, count, from) && ((bytes[bit >> 3]! >> (bit & 7)) & 1) === 1
    }
  }

  #argument(): number {
    const value = readNumber(this.#lexer)
    if (!Number.isInteger(value)) throw this.#lexer.fail(`${value} is not a whole number`)
    this.#lexer.expect(',')
    return value
  }

  /** `data[column]` */
  #data(): void {
    const lexer = this.#lexer
    lexer.expect('data', '[')
    const column = readNumber(lexer)
    if (this.column !== null && this.column !== column) throw lexer.fail('a condition asks about two columns')
    this.column = column
    lexer.expect(']')
  }
}

function inRange(value: number, count: number, from: number): boolean {
  const bit = Math.trunc(value) - from
  return bit >= 0 && bit < count
}
