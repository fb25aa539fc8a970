import { ExpressionError, type Range } from './expression-error.ts'
import { aKind, type CelValue, kindOf, type StaticKind } from './values.ts'

/** Runs, and says of what is thrown in which part of the expression it was. */
export function located<T>(range: Range, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw place(error, range)
  }
}

/** An error with its range, unless it has one: that of the innermost part counts. */
export function place(error: unknown, range: Range): unknown {
  if (error instanceof ExpressionError && error.range === undefined)
    return new ExpressionError(error.message, range)
  return error
}

export function boolOf(value: CelValue, range: Range): boolean {
  if (typeof value === 'boolean') return value
  throw new ExpressionError(`This must be true or false, and is ${aKind(kindOf(value))}`, range)
}

export function checkBool(kind: StaticKind, range: Range): void {
  if (kind !== 'bool' && kind !== 'dyn')
    throw new ExpressionError(`This must be true or false, and is ${aKind(kind)}`, range)
}
