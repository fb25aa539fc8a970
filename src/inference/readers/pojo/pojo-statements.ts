import type { ModelError } from '../../../api/errors.ts'
import type { Balance } from '../../scores/class-scores.ts'
import type { Link } from '../../scores/gbm-score.ts'
import { notUnderstood, PojoLexer } from './pojo-lexer.ts'
import type { PojoSource } from './pojo-source.ts'
import { numbersOf } from './pojo-values.ts'

/** A method body of the model class that is longer than this is not H2O's. */
const MAX_TOKENS = 2_000_000

/**
 * A method's statements as H2O writes them, without spaces and comments, compared from the first to the last: whatever
 * differs from what is known is refused with its line. Nothing is evaluated.
 */
export class PojoStatements {
  readonly #source: string
  readonly #text: string
  /** Where each token starts in the text, and in the source. */
  readonly #tokens: { readonly at: number; readonly sourceAt: number }[] = []
  #at = 0

  constructor({ source, model }: PojoSource, method: string) {
    const body = model.methods.get(method)
    if (body === undefined) throw notUnderstood(source, model.at, `${model.name} has no method ${method}`)
    const lexer = new PojoLexer(source, body.from)
    const parts: string[] = []
    let at = 0
    while (lexer.at < body.to) {
      if (this.#tokens.length > MAX_TOKENS) throw lexer.fail(`the method ${method} is too long`)
      const part = lexer.kind === 'string' ? `"${lexer.text}"` : lexer.text
      this.#tokens.push({ at, sourceAt: lexer.at })
      at += part.length
      parts.push(part)
      lexer.advance()
    }
    this.#source = source
    this.#text = parts.join('')
  }

  fail(what = `"${this.#text.slice(this.#at, this.#at + 80)}" is not what H2O writes here`): ModelError {
    const token = this.#tokens.findLast(({ at }) => at <= this.#at)
    return notUnderstood(this.#source, token?.sourceAt ?? 0, what)
  }

  /** Goes on behind `text`, if it is next. */
  take(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false
    this.#at += text.length
    return true
  }

  /** Goes on behind what a sticky pattern matches. */
  match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)
    if (found !== null) this.#at = pattern.lastIndex
    return found
  }

  /** The number of the one of `texts` that is next. */
  choose(...texts: readonly string[]): number {
    const found = texts.findIndex((text) => this.take(text))
    if (found < 0) throw this.fail()
    return found
  }

  expect(text: string): void
  expect(pattern: RegExp): RegExpExecArray
  expect(next: string | RegExp): RegExpExecArray | undefined {
    if (typeof next === 'string') {
      if (!this.take(next)) throw this.fail()
      return undefined
    }
    const found = this.match(next)
    if (found === null) throw this.fail()
    return found
  }

  end(): void {
    if (this.#at < this.#text.length) throw this.fail()
  }

  /** `slot = f(slot);` */
  link(slot: string): Link {
    const links: readonly Link[] = ['identity', 'log', 'logit']
    const exp = (sign: string) => `Math.min(1e19,Math.exp(${sign === '' ? slot : `-(${slot})`}))`
    const found = this.choose(`${slot}=${slot};`, `${slot}=${exp('')};`, `${slot}=1./(1.+${exp('-')});`)
    return links[found] ?? 'identity'
  }

  /** What makes the label of the probabilities: a correction where classes were balanced, and a threshold. */
  decision(pojo: PojoSource, classes: number): { balance: Balance | null; threshold: number } {
    const genModel = 'hex.genmodel.GenModel'
    let balance: Balance | null = null
    if (this.take(`${genModel}.correctProbabilities(preds,PRIOR_CLASS_DISTRIB,MODEL_CLASS_DISTRIB);`)) {
      const prior = numbersOf(pojo, pojo.model, 'PRIOR_CLASS_DISTRIB')
      const model = numbersOf(pojo, pojo.model, 'MODEL_CLASS_DISTRIB')
      if (prior?.length !== classes || model?.length !== classes) {
        throw this.fail('the class distributions do not fit the classes')
      }
      balance = { prior, model }
    }
    this.expect(`preds[0]=${genModel}.getPrediction(preds,PRIOR_CLASS_DISTRIB,data,`)
    const threshold = Number(this.expect(/(-?[\d.]+(?:[eE]-?\d+)?)\);/y)[1])
    return { balance, threshold }
  }
}
