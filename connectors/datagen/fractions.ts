import type { AvroType } from 'sluice'
import type { Annotations } from './annotations.ts'
import { type Generator, generator, NOTHING } from './generator.ts'
import { cycleAt, readCycle } from './whole-numbers.ts'

const GREATEST_FLOAT = 3.4028234663852886e38
/** Of the numbers that an iteration or a step counts in. */
const MOST_DECIMALS = 15
/** Up to here a double holds every whole number, and a step is exact. */
const MOST_STEPS = 2 ** 53

export interface FractionForm {
  readonly what: string
  readonly greatest: number
  /** To the nearest number that the type holds. */
  round(number: number): number
}

const DOUBLE: FractionForm = { what: 'a double', greatest: Number.MAX_VALUE, round: (number) => number }
const FLOAT: FractionForm = { what: 'a float', greatest: GREATEST_FLOAT, round: Math.fround }

/** Undefined for a type that has no fractions. */
export function fractionForm({ type }: Pick<AvroType, 'type'>): FractionForm | undefined {
  if (type === 'float') return FLOAT
  return type === 'double' ? DOUBLE : undefined
}

/** From `min` to before `max`: any number, or those that `step` leads to. Without a range, from 0 to before 1. */
export function fractionRange(annotations: Annotations, form: FractionForm): Generator {
  const range = annotations.object('range', ['min', 'max', 'step'])
  if (range === undefined) {
    // A float has 24 bits: fewer would never round up to 1.
    return generator((draw) => (form === FLOAT ? draw.below(2 ** 24) / 2 ** 24 : draw.unit()))
  }
  if (!range.has('min') && !range.has('max')) range.problem('must have min or max.')
  const min = form.round(range.number('min') ?? -form.greatest)
  const max = form.round(range.number('max') ?? form.greatest)
  if (Math.abs(min) > form.greatest || Math.abs(max) > form.greatest)
    range.problem(`goes beyond what ${form.what} holds.`)
  else if (min >= max) range.problem(`has min ${min}, which must be less than max ${max}.`)
  else return range.has('step') ? stepped(range, min, max, form) : between(min, max, form)
  return NOTHING
}

function between(min: number, max: number, form: FractionForm): Generator {
  return generator((draw) => {
    const part = draw.unit()
    const number = form.round(min * (1 - part) + max * part) // max − min may be more than a double holds
    return number < max ? Math.max(number, min) : min
  })
}

/** Rounded to the decimals of min and step: 0.1 + 2 · 0.1 is 0.3. */
function stepped(range: Annotations, min: number, max: number, form: FractionForm): Generator {
  const step = range.number('step') ?? 1
  const count = Math.ceil((max - min) / step)
  const digits = Math.max(decimalsOf(min), decimalsOf(step))
  if (!(step > 0)) range.problem('has a step that is not above 0.')
  else if (count > MOST_STEPS || digits > MOST_DECIMALS) range.problem('has a step that is too small.')
  else {
    const unit = 10 ** digits
    const numberAt = (k: number) => form.round(Math.round((min + k * step) * unit) / unit)
    const many = numberAt(count - 1) < max ? count : count - 1
    return generator((draw) => numberAt(draw.below(many)))
  }
  return NOTHING
}

/** How many digits the shortest text of a number has behind the point. */
function decimalsOf(number: number): number {
  const [, fraction = '', exponent = '0'] = /^-?\d+(?:\.(\d+))?(?:e(.+))?$/.exec(String(number)) ?? []
  return Math.max(0, fraction.length - Number(exponent))
}

/** Counts in decimals, without the errors that adding doubles has. */
export function fractionIteration(annotations: Annotations, form: FractionForm): Generator {
  const keys = ['start', 'restart', 'step', 'initial'] as const
  const iteration = annotations.object('iteration', keys)
  if (iteration === undefined) return NOTHING
  const given = keys.map((key) => iteration.number(key) ?? 0)
  const digits = Math.max(...given.map(decimalsOf))
  if (digits > MOST_DECIMALS || given.some((number) => Math.abs(number) > Number.MAX_SAFE_INTEGER)) {
    const most = `at most ${MOST_DECIMALS} digits behind the point, and none beyond 2^53`
    iteration.problem(`counts in numbers that are too fine or too large: ${most}.`)
    return NOTHING
  }
  const unit = 10n ** BigInt(digits)
  const numbers = Object.fromEntries(
    keys.flatMap((key, i) => (iteration.has(key) ? [[key, scaled(given[i]!, digits)]] : [])),
  )
  const greatest = BigInt(Number.MAX_SAFE_INTEGER) * unit
  const limits = { what: form.what, one: unit, least: -greatest, greatest }
  const cycle = readCycle(iteration, numbers, limits)
  if (cycle === undefined) return NOTHING
  return generator(({ index }) => form.round(Number(`${cycleAt(cycle, index)}e-${digits}`)))
}

function scaled(number: number, digits: number): bigint {
  const [whole = '', fraction = ''] = number.toFixed(digits).split('.')
  return BigInt(whole + fraction)
}
