import { createRequire } from 'node:module'
import type { ASTNode, Environment } from '@marcbachmann/cel-js'
import { ExpressionError, type Range } from './expression-error.ts'

/** What a CEL expression is made of, after its limits were checked. `range` is where it stands in the text. */
export type Node = { readonly range: Range } & (
  | { readonly op: 'literal'; readonly value: null | boolean | bigint | number | string | Buffer }
  | { readonly op: 'name'; readonly name: string }
  | { readonly op: 'field'; readonly of: Node; readonly name: string }
  | { readonly op: 'item'; readonly of: Node; readonly index: Node }
  | { readonly op: 'unary'; readonly sign: '!' | '-'; readonly of: Node }
  | { readonly op: 'binary'; readonly sign: string; readonly left: Node; readonly right: Node }
  | { readonly op: 'logic'; readonly sign: '&&' | '||'; readonly left: Node; readonly right: Node }
  | { readonly op: 'choice'; readonly test: Node; readonly yes: Node; readonly no: Node }
  | { readonly op: 'list'; readonly items: readonly Node[] }
  | { readonly op: 'call'; readonly name: string; readonly of: Node | null; readonly args: readonly Node[] }
)

/** Characters. */
const LONGEST = 4096
/** Of the tree, where a + b + c is two levels; it bounds what parsing, compiling and evaluating need of the stack. */
const DEEPEST = 250
const MOST_NODES = 2000
const INT_MAX = 2n ** 63n - 1n

let loaded: Environment | undefined

/** The parser is loaded with the first expression: most workers never see one. */
function parser(): Environment {
  if (loaded === undefined) {
    const cel = createRequire(import.meta.url)(
      '@marcbachmann/cel-js',
    ) as typeof import('@marcbachmann/cel-js')
    loaded = new cel.Environment({ limits: { maxAstNodes: MOST_NODES, maxDepth: 100 } })
  }
  return loaded
}

/** @throws ExpressionError where the text is not CEL, is too large, or has what is not supported */
export function parse(text: string): Node {
  if (text.length > LONGEST)
    throw new ExpressionError(`An expression has at most ${LONGEST} characters, this one ${text.length}`)
  try {
    return convert(parser().parse(text).ast, DEEPEST)
  } catch (error) {
    throw error instanceof ExpressionError ? error : parseError(error)
  }
}

/** The library's errors say in `summary` what is wrong, and in `range` where. */
function parseError(error: unknown): ExpressionError {
  if (error instanceof RangeError) return tooDeep()
  const { summary, range } = error as { readonly summary?: string; readonly range?: Range }
  const message = summary ?? (error instanceof Error ? error.message : 'It is not CEL')
  if (/^Exceeded max(Depth|AstNodes)/.test(message)) return tooDeep(range)
  return new ExpressionError(message, range)
}

const tooDeep = (range?: Range) =>
  new ExpressionError(
    `It has more than ${MOST_NODES} parts, or they nest more than ${DEEPEST} deep (in brackets 100). Write a long a == 1 || a == 2 as a in [1, 2], or split it over several transforms`,
    range,
  )

const LOGIC = new Set(['&&', '||'])
const BINARY = new Set(['+', '-', '*', '/', '%', '==', '!=', '<', '<=', '>', '>=', 'in'])

/** A node of the library as one of ours. What it calls macros are calls here; nothing of the library evaluates. */
function convert(node: ASTNode, depth: number): Node {
  const range = { start: node.start, end: node.end }
  if (depth === 0) throw tooDeep(range)
  const inner = (each: ASTNode) => convert(each, depth - 1)
  if (LOGIC.has(node.op) || BINARY.has(node.op)) return { range, ...pair(node, inner) }
  switch (node.op) {
    case 'value':
      return { range, op: 'literal', value: literal(node.args, range) }
    case 'id':
      return { range, op: 'name', name: node.args }
    case '.':
      return { range, op: 'field', of: inner(node.args[0]), name: node.args[1] }
    case '[]':
      return { range, op: 'item', of: inner(node.args[0]), index: inner(node.args[1]) }
    case '!_':
      return { range, op: 'unary', sign: '!', of: inner(node.args) }
    case '-_':
      return { range, ...minus(node.args, inner) }
    case '?:': {
      const [test, yes, no] = node.args
      return { range, op: 'choice', test: inner(test), yes: inner(yes), no: inner(no) }
    }
    case 'list':
      return { range, op: 'list', items: node.args.map(inner) }
    case 'call':
      return { range, op: 'call', name: node.args[0], of: null, args: node.args[1].map(inner) }
    case 'rcall': {
      const [name, of, args] = node.args
      return { range, op: 'call', name, of: inner(of), args: args.map(inner) }
    }
    default:
      throw new ExpressionError(
        node.op === 'map' ? 'A map cannot be written out' : `${node.op} is not supported`,
        range,
      )
  }
}

type Shape<T> = T extends unknown ? Omit<T, 'range'> : never
type Bare = Shape<Node>

function pair(node: ASTNode, inner: (node: ASTNode) => Node): Bare {
  const [left, right] = node.args as readonly [ASTNode, ASTNode]
  const both = { left: inner(left), right: inner(right) }
  return node.op === '&&' || node.op === '||'
    ? { op: 'logic', sign: node.op, ...both }
    : { op: 'binary', sign: node.op, ...both }
}

/** −9223372036854775808 is one literal: its digits alone are beyond an int. */
function minus(of: ASTNode, inner: (node: ASTNode) => Node): Bare {
  if (of.op === 'value' && of.args === INT_MAX + 1n) return { op: 'literal', value: -(INT_MAX + 1n) }
  return { op: 'unary', sign: '-', of: inner(of) }
}

function literal(value: unknown, range: Range): null | boolean | bigint | number | string | Buffer {
  if (typeof value === 'bigint') {
    if (value <= INT_MAX) return value
    throw new ExpressionError('An int is at most 9223372036854775807', range)
  }
  if (value instanceof Uint8Array) return Buffer.from(value)
  if (value === null || ['boolean', 'number', 'string'].includes(typeof value))
    return value as null | boolean | number | string
  throw new ExpressionError('There are no unsigned numbers: leave the u out', range)
}
