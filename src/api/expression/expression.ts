import type { RecordBatch } from '../batch.ts'
import { DataError } from '../errors.ts'
import type { Schema } from '../schema.ts'
import { BatchRecords } from './batch-records.ts'
import { compile } from './compile.ts'
import { describe, ExpressionError } from './expression-error.ts'
import { type Compiled, type Frame, type Needs, Scope } from './scope.ts'
import { type Node, parse } from './syntax.ts'
import type { CelValue, StaticKind } from './values.ts'

/**
 * An expression in CEL over `key`, `value`, `headers`, `topic`, `partition`, `offset` and `timestamp` of a record
 * (docs/expressions.md). One evaluation takes time linear in the expression and in the record, whatever both hold.
 */
export interface Expression {
  /** What it gives, as far as that is known without a schema. */
  readonly kind: StaticKind
  /** What it gives for values of a schema, or what would fail each of them; null is a schema that is not known. */
  check(value: Schema | null): { readonly kind: StaticKind } | { readonly problem: string }
  /**
   * Evaluates it for rows of a batch; of a record in bytes, only the fields that it names are read.
   * The function throws DataError, and needs a row that is live.
   */
  over(batch: RecordBatch): (row: number) => CelValue
}

export type CompiledExpression = { readonly expression: Expression } | { readonly problem: string }

export function compileExpression(text: string): CompiledExpression {
  try {
    return { expression: new CelExpression(text) }
  } catch (error) {
    if (error instanceof ExpressionError) return { problem: describe(error, text) }
    throw error
  }
}

/** What is wrong with an expression, for the check of a key. */
export function checkExpression(text: string): string | undefined {
  const compiled = compileExpression(text)
  return 'problem' in compiled ? compiled.problem : undefined
}

/** @throws Error where `checkExpression` has a problem */
export function expressionOf(text: string): Expression {
  const compiled = compileExpression(text)
  if ('problem' in compiled) throw new Error(compiled.problem)
  return compiled.expression
}

class CelExpression implements Expression {
  readonly #text: string
  readonly #node: Node
  readonly #compiled: Compiled
  readonly #needs: Needs

  constructor(text: string) {
    this.#text = text
    this.#node = parse(text)
    const scope = new Scope({ key: null, value: null })
    this.#compiled = compile(this.#node, scope)
    this.#needs = scope.needs
  }

  get kind(): StaticKind {
    return this.#compiled.kind
  }

  check(value: Schema | null): { readonly kind: StaticKind } | { readonly problem: string } {
    try {
      return { kind: compile(this.#node, new Scope({ key: null, value })).kind }
    } catch (error) {
      if (error instanceof ExpressionError) return { problem: describe(error, this.#text) }
      throw error
    }
  }

  over(batch: RecordBatch): (row: number) => CelValue {
    const records = new BatchRecords(batch, this.#needs)
    const frame: Frame = { record: records, item: null }
    return (row) => {
      try {
        return this.#compiled.run(records.at(row, frame))
      } catch (error) {
        if (error instanceof ExpressionError) throw this.#failed(error)
        throw error
      }
    }
  }

  #failed(error: ExpressionError): DataError {
    const shown = this.#text.length > 200 ? `${this.#text.slice(0, 200)}…` : this.#text
    return new DataError('record.value', `The expression ${shown} failed: ${describe(error, this.#text)}.`, {
      cause: error,
    })
  }
}
