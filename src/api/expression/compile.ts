import { boolOf, checkBool, located, place } from './checks.ts'
import { compileCall } from './compile-call.ts'
import { ExpressionError, type Range } from './expression-error.ts'
import { binary, kindOfBinary, kindOfUnary, negate } from './operators.ts'
import { type Compiled, type Frame, type Known, type Scope, sideOf } from './scope.ts'
import type { Node } from './syntax.ts'
import {
  aKind,
  CelList,
  CelMap,
  type CelValue,
  fieldSchema,
  kindOf,
  kindOfSchema,
  type StaticKind,
} from './values.ts'

type NodeOf<O extends Node['op']> = Extract<Node, { readonly op: O }>

/**
 * Makes functions of an expression. What can be known of kinds before a record is there is checked here.
 * @throws ExpressionError
 */
export function compile(node: Node, scope: Scope): Compiled {
  switch (node.op) {
    case 'literal':
      return { kind: kindOf(node.value), schema: null, run: () => node.value }
    case 'name':
      return scope.resolve(node.name, node.range)
    case 'field':
      return compileField(node, scope)
    case 'item':
      return compileItem(node, scope)
    case 'unary':
      return compileUnary(node, scope)
    case 'binary':
      return compileBinary(node, scope)
    case 'logic':
      return compileLogic(node, scope)
    case 'choice':
      return compileChoice(node, scope)
    case 'list': {
      const items = node.items.map((item) => compile(item, scope))
      const run = (frame: Frame) =>
        new CelList(
          items.map((item) => item.run(frame)),
          null,
          true,
        )
      return { kind: 'list', schema: null, run }
    }
    case 'call':
      return compileCall(node, scope, compile)
  }
}

function compileField({ of, name, range }: NodeOf<'field'>, scope: Scope): Compiled {
  const side = of.op === 'name' ? sideOf(of.name) : undefined
  if (side !== undefined) {
    const known = located(range, () => knownField(scope.resolveField(side, name, range), name))
    const run = ({ record }: Frame): CelValue => {
      const value = record.field(side, name)
      if (value === undefined) throw new ExpressionError(record.whyMissing(side, name), range)
      return value
    }
    return { ...known, run }
  }
  const inner = compile(of, scope)
  const known = located(range, () => knownField(inner, name))
  return { ...known, run: (frame) => fieldOf(inner.run(frame), name, range) }
}

/** A field of a struct, or what a map holds under a name. @throws ExpressionError where the schema has no such field */
function knownField({ kind, schema }: Known, name: string): Known {
  if (kind !== 'map' && kind !== 'dyn')
    throw new ExpressionError(`There is no field ${name} in ${aKind(kind)}`)
  if (schema === null) return { kind: 'dyn', schema: null }
  if (schema.type === 'MAP') return knownItem(schema)
  const field = fieldSchema(schema, name)
  if (field === null) throw new ExpressionError(`There is no field ${name} in the schema`)
  return { kind: kindOfSchema(field), schema: field }
}

function knownItem(schema: Known['schema']): Known {
  const item = schema?.valueSchema ?? null
  return { kind: kindOfSchema(item), schema: item }
}

function fieldOf(value: CelValue, name: string, range: Range): CelValue {
  if (value instanceof CelMap) return found(value.get(name), name, range)
  if (value === null)
    throw new ExpressionError(`There is no field ${name} in null. Ask before: has(….${name}) && …`, range)
  throw new ExpressionError(`There is no field ${name} in ${aKind(kindOf(value))}`, range)
}

function found(value: CelValue | undefined, name: string, range: Range): CelValue {
  if (value !== undefined) return value
  throw new ExpressionError(`There is no field ${name}. Ask before: has(….${name}) && …`, range)
}

function compileItem({ of, index, range }: NodeOf<'item'>, scope: Scope): Compiled {
  if (index.op === 'literal' && typeof index.value === 'string')
    return compileField({ op: 'field', of, name: index.value, range }, scope)
  const [inner, at] = [compile(of, scope), compile(index, scope)]
  if (!['list', 'map', 'dyn'].includes(inner.kind))
    throw new ExpressionError(`There are no items in ${aKind(inner.kind)}`, range)
  const isStruct = inner.schema?.type === 'STRUCT'
  const known: Known = isStruct ? { kind: 'dyn', schema: null } : knownItem(inner.schema)
  return { ...known, run: (frame) => itemOf(inner.run(frame), at.run(frame), range) }
}

/** An index in an error. */
const nameOf = (index: CelValue) =>
  typeof index === 'string' || typeof index === 'bigint' ? String(index) : kindOf(index)

function itemOf(value: CelValue, index: CelValue, range: Range): CelValue {
  if (value instanceof CelMap) return found(value.get(index), nameOf(index), range)
  if (!(value instanceof CelList))
    throw new ExpressionError(`There are no items in ${aKind(kindOf(value))}`, range)
  if (typeof index !== 'bigint')
    throw new ExpressionError(`The place in a list is an int, not ${aKind(kindOf(index))}`, range)
  if (index < 0n || index >= BigInt(value.size))
    throw new ExpressionError(`There is no item ${index} in a list of ${value.size}`, range)
  return value.at(Number(index))
}

function compileUnary({ sign, of, range }: NodeOf<'unary'>, scope: Scope): Compiled {
  const inner = compile(of, scope)
  const kind = located(range, () => kindOfUnary(sign, inner.kind))
  if (sign === '!') return { kind, schema: null, run: (frame) => !boolOf(inner.run(frame), of.range) }
  return { kind, schema: null, run: (frame) => located(range, () => negate(inner.run(frame))) }
}

function compileBinary({ sign, left, right, range }: NodeOf<'binary'>, scope: Scope): Compiled {
  const [a, b] = [compile(left, scope), compile(right, scope)]
  const kind = located(range, () => kindOfBinary(sign, a.kind, b.kind))
  const operate = binary(sign)
  const run = (frame: Frame) => {
    const first = a.run(frame)
    const second = b.run(frame)
    try {
      return operate(first, second)
    } catch (error) {
      throw place(error, range)
    }
  }
  return { kind, schema: null, run }
}

/** As in CEL, the one side decides where it can, even where the other has failed. */
function compileLogic({ sign, left, right }: NodeOf<'logic'>, scope: Scope): Compiled {
  const [a, b] = [compile(left, scope), compile(right, scope)]
  checkBool(a.kind, left.range)
  checkBool(b.kind, right.range)
  const decides = sign === '||'
  const run = (frame: Frame): boolean => {
    let failure: ExpressionError | undefined
    try {
      if (boolOf(a.run(frame), left.range) === decides) return decides
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error
      failure = error
    }
    if (boolOf(b.run(frame), right.range) === decides) return decides
    if (failure !== undefined) throw failure
    return !decides
  }
  return { kind: 'bool', schema: null, run }
}

function compileChoice({ test, yes, no, range }: NodeOf<'choice'>, scope: Scope): Compiled {
  const [condition, a, b] = [compile(test, scope), compile(yes, scope), compile(no, scope)]
  checkBool(condition.kind, test.range)
  return {
    kind: located(range, () => commonKind(a.kind, b.kind)),
    schema: a.schema === b.schema ? a.schema : null,
    run: (frame) => (boolOf(condition.run(frame), test.range) ? a.run(frame) : b.run(frame)),
  }
}

function commonKind(yes: StaticKind, no: StaticKind): StaticKind {
  if (yes === no || no === 'null') return yes
  if (yes === 'null') return no
  if (yes === 'dyn' || no === 'dyn') return 'dyn'
  throw new ExpressionError(`Both results must be of one kind, and are ${yes} and ${no}`)
}
