import { nearest } from '../did-you-mean.ts'
import { compilePattern } from '../pattern.ts'
import { boolOf, checkBool, located } from './checks.ts'
import { ExpressionError, type Range } from './expression-error.ts'
import { functionNames, type Overload, overloadsOf } from './functions.ts'
import { type Compiled, type Frame, type Known, type Scope, sideOf } from './scope.ts'
import type { Node } from './syntax.ts'
import { aKind, CelList, CelMap, type CelValue, kindOf, kindOfSchema, type StaticKind } from './values.ts'

type Call = Extract<Node, { readonly op: 'call' }>
type Compile = (node: Node, scope: Scope) => Compiled

const LOOPS = new Set(['exists', 'all', 'exists_one'])

/** Functions, methods, `has`, loops. */
export function compileCall(call: Call, scope: Scope, compile: Compile): Compiled {
  const { name, of, args, range } = call
  if (of === null && name === 'has') return compileHas(call, scope, compile)
  if (of !== null && LOOPS.has(name)) return compileLoop(call, scope, compile)
  if (of !== null && name === 'matches') return compileMatches(call, scope, compile)
  const isMath = of?.op === 'name' && of.name === 'math'
  const full = isMath ? `math.${name}` : `${of === null ? '' : '.'}${name}`
  const overloads = overloadsOf(full)
  if (overloads.length === 0) throw unknown(full, range)
  const inputs = (of === null || isMath ? args : [of, ...args]).map((each) => compile(each, scope))
  const kinds = inputs.map(({ kind }) => kind)
  const fitting = overloads.filter(({ takes }) => takesKinds(takes, kinds))
  if (fitting.length === 0) throw mistaken(full, kinds, overloads, range)
  const results = new Set(fitting.map(({ gives }) => gives))
  const run = (frame: Frame) => {
    const values = inputs.map((input) => input.run(frame))
    const found = fitting.find(({ takes }) => takes.every((kind, i) => kind === kindOf(values[i] ?? null)))
    if (found === undefined) throw mistaken(full, values.map(kindOf), overloads, range)
    return located(range, () => found.run(values))
  }
  return { kind: results.size === 1 ? fitting[0]!.gives : 'dyn', schema: null, run }
}

function takesKinds(takes: readonly StaticKind[], kinds: readonly StaticKind[]): boolean {
  return takes.length === kinds.length && kinds.every((kind, i) => kind === 'dyn' || kind === takes[i])
}

const UNBOUNDED = new Set(['map', 'filter', 'bind', 'split', 'join', 'replace', 'format'])

function unknown(name: string, range: Range): ExpressionError {
  const bare = name.replace(/^\.|^math\./, '')
  if (UNBOUNDED.has(bare))
    return new ExpressionError(
      `${bare} is left out of this CEL: what it makes could grow beyond the record. exists, all and exists_one loop over a list`,
      range,
    )
  const known = [...functionNames(), 'has', '.matches', ...Array.from(LOOPS, (loop) => `.${loop}`)]
  return new ExpressionError(
    `There is no function ${bare}. The nearest names: ${nearest(name, known).join(', ')}`,
    range,
  )
}

function mistaken(
  name: string,
  kinds: readonly StaticKind[],
  overloads: readonly Overload[],
  range: Range,
): ExpressionError {
  const written = (given: readonly StaticKind[]) =>
    name.startsWith('.')
      ? `${given[0] ?? ''}${name}(${given.slice(1).join(', ')})`
      : `${name}(${given.join(', ')})`
  const has = overloads.map(({ takes }) => written(takes)).join(', ')
  return new ExpressionError(`There is no ${written(kinds)}. There is ${has}`, range)
}

/** `has(value.a.b)`: whether it is there and not null; nothing on the way need be. */
function compileHas({ args, range }: Call, scope: Scope, compile: Compile): Compiled {
  const [path] = args
  const steps: string[] = []
  let at = path
  while (at !== undefined && isStep(at)) {
    steps.unshift(at.op === 'field' ? at.name : String((at.index as { readonly value?: unknown }).value))
    at = at.of
  }
  const [first, ...rest] = steps
  if (args.length !== 1 || at?.op !== 'name' || first === undefined)
    throw new ExpressionError('has takes a field, such as has(value.a) or has(value["a b"])', range)
  const start = firstStep(at, first, scope, compile)
  const run = (frame: Frame): boolean => {
    let value = start(frame)
    for (const name of rest) value = value instanceof CelMap ? value.get(name) : undefined
    return value !== undefined && value !== null
  }
  return { kind: 'bool', schema: null, run }
}

function firstStep(
  node: Extract<Node, { readonly op: 'name' }>,
  name: string,
  scope: Scope,
  compile: Compile,
): (frame: Frame) => CelValue | undefined {
  const side = sideOf(node.name)
  if (side !== undefined) {
    scope.resolveField(side, name, node.range)
    return ({ record }) => record.field(side, name)
  }
  const inner = compile(node, scope)
  return (frame) => {
    const value = inner.run(frame)
    return value instanceof CelMap ? value.get(name) : undefined
  }
}

/** `.name`, or `["name"]`. */
function isStep(node: Node): node is Extract<Node, { readonly op: 'field' | 'item' }> {
  if (node.op === 'field') return true
  return node.op === 'item' && node.index.op === 'literal' && typeof node.index.value === 'string'
}

/** The pattern is compiled with the expression, so it is written out in it. */
function compileMatches({ of, args, range }: Call, scope: Scope, compile: Compile): Compiled {
  const text = compile(of!, scope)
  const [written] = args
  if (args.length !== 1 || written?.op !== 'literal' || typeof written.value !== 'string')
    throw new ExpressionError(
      'matches takes a pattern that is written out: value.a.matches("^x[0-9]+$")',
      range,
    )
  if (text.kind !== 'string' && text.kind !== 'dyn')
    throw new ExpressionError(`There is no ${text.kind}.matches. Convert it: string(…)`, range)
  const compiled = compilePattern(written.value)
  if ('problem' in compiled) throw new ExpressionError(compiled.problem, written.range)
  const { pattern } = compiled
  const run = (frame: Frame): boolean => {
    const value = text.run(frame)
    if (typeof value === 'string') return pattern.find(value)
    throw new ExpressionError(`There is no ${kindOf(value)}.matches. Convert it: string(…)`, range)
  }
  return { kind: 'bool', schema: null, run }
}

/** A loop goes over a part of the record once, and sees nothing else of it: together they take linear time. */
function compileLoop({ name, of, args, range }: Call, scope: Scope, compile: Compile): Compiled {
  const [variable, body] = args
  if (args.length !== 2 || variable?.op !== 'name' || body === undefined)
    throw new ExpressionError(
      `${name} takes a name and a condition: value.items.${name}(i, i.price > 10)`,
      range,
    )
  const list = compile(of!, scope)
  if (!['list', 'map', 'dyn'].includes(list.kind))
    throw new ExpressionError(`${name} loops over a list or a map, not ${aKind(list.kind)}`, range)
  const condition = scope.within(variable.name, itemKind(list), range, () => compile(body, scope))
  checkBool(condition.kind, body.range)
  const test = (frame: Frame) => boolOf(condition.run(frame), body.range)
  const run = (frame: Frame): boolean => {
    const items = itemsOf(list.run(frame), name, range)
    return name === 'exists_one' ? isOne(items, frame, test) : decide(items, frame, test, name === 'exists')
  }
  return { kind: 'bool', schema: null, run }
}

function itemKind({ kind, schema }: Known): Known {
  const item = (kind === 'map' ? schema?.keySchema : schema?.valueSchema) ?? null
  if (kind === 'map') return { kind: item === null ? 'dyn' : kindOfSchema(item), schema: item }
  return { kind: kindOfSchema(item), schema: item }
}

function* itemsOf(value: CelValue, name: string, range: Range): Generator<CelValue> {
  if (value instanceof CelMap) yield* value.keys()
  else if (value instanceof CelList) for (let i = 0; i < value.size; i++) yield value.at(i)
  else throw new ExpressionError(`${name} loops over a list or a map, not ${aKind(kindOf(value))}`, range)
}

type Test = (frame: Frame) => boolean

function isOne(items: Iterable<CelValue>, frame: Frame, test: Test): boolean {
  let count = 0
  for (const item of items) {
    frame.item = item
    if (test(frame)) count++
  }
  return count === 1
}

/** `exists` ends with the first true, `all` with the first false; as in CEL, what failed before does not matter then. */
function decide(items: Iterable<CelValue>, frame: Frame, test: Test, decides: boolean): boolean {
  let failure: ExpressionError | undefined
  for (const item of items) {
    frame.item = item
    try {
      if (test(frame) === decides) return decides
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error
      failure ??= error
    }
  }
  if (failure !== undefined) throw failure
  return !decides
}
