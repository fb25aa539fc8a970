import { type Annotations, shown } from './annotations.ts'
import { type Generator, generator, NOTHING } from './generator.ts'
import type { WholeForm } from './whole-form.ts'

const isSafe = (...numbers: readonly bigint[]) =>
  numbers.every((each) => each >= Number.MIN_SAFE_INTEGER && each <= Number.MAX_SAFE_INTEGER)

/** The numbers that are there of these keys; those that cannot be read are reported. */
function read<K extends string>(
  from: Annotations,
  keys: readonly K[],
  form: WholeForm,
): Partial<Record<K, bigint>> {
  const found: Partial<Record<K, bigint>> = {}
  for (const key of keys) {
    if (!from.has(key)) continue
    const number = form.read(from.get(key))
    if (number === undefined) from.problem(`has ${key} ${shown(from.get(key))}, which is not ${form.what}.`)
    else found[key] = number
  }
  return found
}

/** From `min` on, `step` by step, to before `max`. */
export function wholeRange(annotations: Annotations, form: WholeForm): Generator {
  const keys = ['min', 'max', 'step'] as const
  const range = annotations.object('range', keys)
  const given = range === undefined ? {} : read(range, keys, form)
  const { min: least, max, step = 1n } = given
  if (keys.some((key) => range?.has(key) === true && given[key] === undefined)) return NOTHING
  if (range !== undefined && least === undefined && max === undefined) range.problem('must have min or max.')
  const isGiven = least !== undefined || max !== undefined
  const min = least ?? (isGiven ? form.least : form.usual.from)
  const end = max ?? (isGiven ? form.greatest + 1n : form.usual.end)
  if (min >= end)
    range?.problem(`has min ${show(range, 'min')}, which must be less than max ${show(range, 'max')}.`)
  else if (step <= 0n) range?.problem('has a step that is not above 0.')
  else if (min < form.least || end > form.greatest + 1n)
    range?.problem(`goes beyond what ${form.what} holds.`)
  else return among(min, (end - min + step - 1n) / step, step, form)
  return NOTHING
}

const show = (range: Annotations, key: string) => (range.has(key) ? shown(range.get(key)) : 'of its type')

function among(min: bigint, count: bigint, step: bigint, form: WholeForm): Generator {
  if (!isSafe(min, min + count * step))
    return generator((draw) => form.value(min + draw.bigBelow(count) * step))
  const [from, by, many] = [Number(min), Number(step), Number(count)]
  return generator((draw) => form.value(from + draw.below(many) * by))
}

/** A cycle of numbers: what the record of a number gets follows from that number. */
export interface Cycle {
  readonly start: bigint
  /** From the start to the restart: above 0. */
  readonly length: bigint
  /** Below 0 where it goes down. */
  readonly step: bigint
  /** Of the first record, from the start on; from 0 to before the length. */
  readonly first: bigint
}

export function cycleAt({ start, length, step, first }: Cycle, index: number): bigint {
  const size = step < 0n ? -step : step
  const gone = (first + BigInt(index) * size) % length
  return step < 0n ? start - gone : start + gone
}

/** Counts from `start` (the first time from `initial`) by `step`, and again from `start` on where `restart` is reached. */
export function wholeIteration(annotations: Annotations, form: WholeForm): Generator {
  const keys = ['start', 'restart', 'step', 'initial'] as const
  const iteration = annotations.object('iteration', keys)
  if (iteration === undefined) return NOTHING
  const cycle = readCycle(iteration, read(iteration, keys, form), form)
  if (cycle === undefined) return NOTHING
  const [start, length, step, first] = [cycle.start, cycle.length, cycle.step, cycle.first].map(Number)
  const fast = isSafe(cycle.start, cycle.start + cycle.length, cycle.start - cycle.length)
  return generator(({ index }) => {
    const gone = first! + index * Math.abs(step!)
    if (!fast || gone > Number.MAX_SAFE_INTEGER) return form.value(cycleAt(cycle, index))
    return form.value(start! + Math.sign(step!) * (gone % length!))
  })
}

/** The same for any numbers; `form` says what they may be. */
export function readCycle(
  iteration: Annotations,
  numbers: Partial<Record<'start' | 'restart' | 'step' | 'initial', bigint>>,
  form: Pick<WholeForm, 'what' | 'one' | 'least' | 'greatest'>,
): Cycle | undefined {
  const { start, initial = start } = numbers
  if (start === undefined || initial === undefined) {
    if (!iteration.has('start')) iteration.problem('must have start.')
    return undefined
  }
  const { step = (numbers.restart ?? start) < start ? -form.one : form.one } = numbers
  const restart = numbers.restart ?? (step < 0n ? form.least - 1n : form.greatest + 1n)
  const length = step < 0n ? start - restart : restart - start
  const first = step < 0n ? start - initial : initial - start
  const inside = [start, initial, restart + (step < 0n ? 1n : -1n)]
  if (step === 0n) iteration.problem('has step 0.')
  else if (restart === start) iteration.problem('has a restart that is its start.')
  else if (length < 0n) iteration.problem('has a step that leads away from its restart.')
  else if (first < 0n || first >= length)
    iteration.problem('has an initial that is not between start and restart.')
  else if (inside.some((each) => each < form.least || each > form.greatest))
    iteration.problem(`goes beyond what ${form.what} holds.`)
  else return { start, length, step, first }
  return undefined
}
