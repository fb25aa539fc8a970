import { notUnderstood, PojoLexer } from './pojo-lexer.ts'

/** A class of a POJO: where its parts stand in the source; nothing in them is read yet. */
export interface PojoClass {
  readonly name: string
  readonly parent: string | null
  readonly outer: PojoClass | null
  readonly at: number
  /** Fields by name: their type as text without spaces, and where the initialiser starts. */
  readonly fields: Map<string, { readonly type: string; readonly at: number }>
  /** Methods by name: where the body starts (behind its brace) and ends. */
  readonly methods: Map<string, Body>
  readonly classes: Map<string, PojoClass>
  /** Static initialisers. */
  readonly statics: Body[]
}

export interface Body {
  readonly from: number
  readonly to: number
}

export interface PojoSource {
  readonly source: string
  /** The class that extends GenModel. */
  readonly model: PojoClass
  readonly classes: ReadonlyMap<string, PojoClass>
  /** From the annotation ModelPojo. */
  readonly algorithm: string
  /** What was filled in already, and how many items more there can be: no source can ask for more than it spells out. */
  readonly filled: Set<PojoClass>
  readonly budget: { items: number }
}

const MODIFIERS = ['public', 'private', 'protected', 'static', 'final']
/** Classes of H2O stand within one another three deep. */
const MAX_DEPTH = 8
/** More than any model has; each class costs an object or two. */
const MAX_CLASSES = 2_000_000
/** The characters of the shortest `sa[0] = 1f;`. */
const MIN_ASSIGNMENT = 8

/** Finds the classes of a POJO and their members. Throws ModelError with the line of what H2O does not write. */
export function parsePojo(source: string): PojoSource {
  return new Parser(source).parse()
}

class Parser {
  readonly #lexer: PojoLexer
  #count = 0

  constructor(source: string) {
    this.#lexer = new PojoLexer(source)
  }

  parse(): PojoSource {
    const lexer = this.#lexer
    const classes = new Map<string, PojoClass>()
    let model: PojoClass | undefined
    let algorithm = ''
    while (lexer.is('package') || lexer.is('import')) this.#skipStatement()
    while (lexer.kind !== 'end') {
      if (lexer.is('@')) algorithm = this.#annotation() ?? algorithm
      else {
        this.#modifiers()
        const found = this.#class(null, classes, 0)
        if (found.parent === 'GenModel') model ??= found
      }
    }
    if (model === undefined) throw lexer.fail('no class extends GenModel')
    if (algorithm === '') throw lexer.fail('the annotation ModelPojo, which names the algorithm, is missing')
    const budget = { items: lexer.source.length / MIN_ASSIGNMENT }
    return { source: lexer.source, model, classes, algorithm, filled: new Set(), budget }
  }

  /** The algorithm, if the annotation says one. */
  #annotation(): string | undefined {
    const lexer = this.#lexer
    lexer.expect('@')
    lexer.read('name')
    if (!lexer.take('(')) return undefined
    let algorithm: string | undefined
    while (!lexer.take(')')) {
      const name = lexer.read('name')
      lexer.expect('=')
      const value = lexer.read('string')
      if (name === 'algorithm') algorithm = value
      lexer.take(',')
    }
    return algorithm
  }

  #skipStatement(): void {
    while (!this.#lexer.take(';')) {
      if (this.#lexer.kind === 'end') throw this.#lexer.fail('the source ends within a statement')
      if (this.#lexer.is('{')) this.#lexer.skipBrackets()
      else this.#lexer.advance()
    }
  }

  #modifiers(): void {
    while (MODIFIERS.includes(this.#lexer.text) && this.#lexer.kind === 'name') this.#lexer.advance()
  }

  #class(outer: PojoClass | null, into: Map<string, PojoClass>, depth: number): PojoClass {
    const lexer = this.#lexer
    const { at } = lexer
    if (depth > MAX_DEPTH || ++this.#count > MAX_CLASSES) throw lexer.fail('there are too many classes')
    lexer.expect('class')
    const name = lexer.read('name')
    const parent = lexer.take('extends') ? lexer.read('name') : null
    if (lexer.take('implements')) while (!lexer.is('{') && lexer.kind !== 'end') lexer.advance()
    const parts = { fields: new Map(), methods: new Map(), classes: new Map(), statics: [] }
    const found: PojoClass = { name, parent, outer, at, ...parts }
    if (into.has(name)) throw lexer.fail(`the class ${name} exists twice`)
    into.set(name, found)
    lexer.expect('{')
    while (!lexer.take('}')) this.#member(found, depth)
    const [block] = found.statics
    if (block !== undefined && !found.fields.has('VALUES')) {
      throw notUnderstood(lexer.source, block.from, `${name} runs something when it is loaded`)
    }
    return found
  }

  #member(owner: PojoClass, depth: number): void {
    const lexer = this.#lexer
    if (lexer.take(';')) return
    if (lexer.is('@')) this.#annotation()
    this.#modifiers()
    if (lexer.is('class')) this.#class(owner, owner.classes, depth + 1)
    else if (lexer.is('{')) owner.statics.push(this.#body())
    else this.#fieldOrMethod(owner)
  }

  #fieldOrMethod(owner: PojoClass): void {
    const lexer = this.#lexer
    const { at } = lexer
    // A type may have a path and brackets; the last name before "(" or "=" is the member's.
    const words: string[] = []
    while (lexer.kind === 'name' || lexer.is('.') || lexer.is('[') || lexer.is(']')) {
      words.push(lexer.text)
      lexer.advance()
    }
    const name = words.pop() ?? ''
    if (!/^\w/.test(name)) throw lexer.fail()
    if (owner.fields.has(name) || owner.methods.has(name)) throw lexer.fail(`${name} exists twice`)
    if (lexer.take('=')) {
      owner.fields.set(name, { type: words.join(''), at: lexer.at })
      this.#skipStatement()
    } else if (lexer.is('(')) {
      lexer.skipBrackets()
      if (!lexer.is('{')) throw lexer.fail()
      owner.methods.set(name, this.#body())
    } else throw lexer.at === at ? lexer.fail() : lexer.fail(`${name} is neither a field nor a method`)
  }

  #body(): Body {
    const from = this.#lexer.at + 1
    return { from, to: this.#lexer.skipBrackets() }
  }
}
