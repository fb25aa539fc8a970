/** A part of an expression: from its first character, counted from 0, to behind its last. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** What is wrong with an expression, or with one evaluation of it. The range is that of the innermost part. */
export class ExpressionError extends Error {
  readonly range: Range | undefined

  constructor(message: string, range?: Range) {
    super(message)
    this.name = 'ExpressionError'
    this.range = range
  }
}

const MOST_SHOWN = 120

/** The error in words, with the part of the expression that it is about and its place, counted from 1. */
export function describe({ message, range }: ExpressionError, text: string): string {
  if (range === undefined) return message
  const part = text.slice(range.start, range.end)
  const shown = part.length > MOST_SHOWN ? `${part.slice(0, MOST_SHOWN)}…` : part
  return `${message} (character ${range.start + 1}${shown === '' ? '' : `, at: ${shown}`})`
}
