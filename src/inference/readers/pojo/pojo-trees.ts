import type { Feature, LevelSet, TreeBuilder } from '../../engines/tree-ensemble.ts'
import { type BytesOf, type Condition, readCondition } from './pojo-conditions.ts'
import { notUnderstood, PojoLexer } from './pojo-lexer.ts'
import type { PojoClass, PojoSource } from './pojo-source.ts'
import { findClass, numbersOf, readNumber } from './pojo-values.ts'

const MAX_NODES = 8_000_000
/** Deeper than H2O grows trees. */
const MAX_DEPTH = 1000
/** Levels times splits that ask for them: some seconds of work. */
const MAX_WORK = 50_000_000

/**
 * Reads trees written as nested conditional expressions. What a condition does is found by asking it about every level
 * (or the threshold) and a missing value, so it does not matter in which of its ways H2O wrote it.
 */
export class PojoTreeReader {
  readonly #pojo: PojoSource
  readonly #features: readonly Feature[]
  readonly #builder: TreeBuilder
  readonly #seen = new Set<PojoClass>()
  #work = 0

  constructor(pojo: PojoSource, features: readonly Feature[], builder: TreeBuilder) {
    this.#pojo = pojo
    this.#features = features
    this.#builder = builder
  }

  /** Adds the tree of a class with a method `score0`. */
  read(tree: PojoClass): void {
    this.#builder.startTree()
    this.#readClass(tree, 0)
  }

  #readClass(tree: PojoClass, depth: number): void {
    const { source } = this.#pojo
    const body = tree.methods.get('score0')
    if (body === undefined) throw notUnderstood(source, tree.at, `${tree.name} has no method score0`)
    // No two trees share a part; a source where they do could grow without end.
    if (this.#seen.has(tree)) throw notUnderstood(source, tree.at, `the tree ${tree.name} is used twice`)
    this.#seen.add(tree)
    const lexer = new PojoLexer(source, body.from)
    lexer.expect('double', 'pred', '=')
    const sets = new Map<string, readonly number[]>()
    const bytesOf: BytesOf = (field) => {
      const bytes = sets.get(field) ?? numbersOf(this.#pojo, tree, field)
      if (bytes === null) throw lexer.fail(`${tree.name} has no field ${field}`)
      sets.set(field, bytes)
      return bytes
    }
    this.#node(lexer, bytesOf, { tree, depth })
    lexer.expect(';', 'return', 'pred', ';', '}')
  }

  #node(lexer: PojoLexer, bytesOf: BytesOf, place: { tree: PojoClass; depth: number }): void {
    const inner = { tree: place.tree, depth: place.depth + 1 }
    if (inner.depth > MAX_DEPTH) throw lexer.fail(`a tree is more than ${MAX_DEPTH} splits deep`)
    if (this.#builder.nodes >= MAX_NODES) throw lexer.fail(`there are more than ${MAX_NODES} nodes`)
    if (lexer.kind === 'name') {
      // The rest of the tree is in a class of its own: Java limits the size of one.
      const rest = findClass(this.#pojo, place.tree, lexer.read('name'))
      lexer.expect('.', 'score0', '(', 'data', ')')
      this.#readClass(rest, inner.depth)
    } else if (lexer.take('(')) {
      const split = this.#split(lexer, readCondition(lexer, bytesOf))
      lexer.expect('?')
      this.#node(lexer, bytesOf, inner)
      lexer.expect(':')
      this.#builder.rightOf(split)
      this.#node(lexer, bytesOf, inner)
      lexer.expect(')')
    } else {
      const value = readNumber(lexer)
      if (!Number.isFinite(value)) throw lexer.fail('a leaf is not a number')
      this.#builder.leaf(value)
    }
  }

  /** Adds the split that does what a condition does, its true side left. */
  #split(lexer: PojoLexer, condition: Condition): number {
    const { column, threshold, test } = condition
    const feature = this.#features[column]
    if (feature === undefined) throw lexer.fail(`there is no column ${column}`)
    const isMissingRight = !test(NaN)
    if (feature !== 'numeric') {
      return this.#builder.levels(column, this.#levels(lexer, feature, condition), isMissingRight)
    }
    if (condition.hasLevels) throw lexer.fail(`column ${column} is a number and has no levels`)
    const at = threshold ?? 0
    const [below, equal, above] = [test(-Infinity), test(at), test(Infinity)]
    if (equal !== above || (threshold === null && below !== equal) || (!below && equal)) {
      throw lexer.fail('a condition does not split a number in two')
    }
    // NaN sends every value left, −∞ every value right.
    const limit = below === equal ? (below ? NaN : -Infinity) : at
    return this.#builder.threshold(column, limit, isMissingRight)
  }

  #levels(lexer: PojoLexer, size: number, condition: Condition): LevelSet {
    this.#work += size
    if (this.#work > MAX_WORK) throw lexer.fail('the columns have too many levels for so many splits')
    const bytes = new Uint8Array((size + 7) >> 3)
    for (let level = 0; level < size; level++) {
      if (!condition.test(level)) bytes[level >> 3]! |= 1 << (level & 7)
    }
    return { from: 0, size, bytes, isOutsideRight: false }
  }
}
