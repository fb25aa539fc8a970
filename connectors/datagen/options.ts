import type { AvroType, Value } from 'sluice'
import type { Annotations } from './annotations.ts'
import type { Draw } from './draw.ts'
import { type Generator, generator, NOTHING } from './generator.ts'
import { optionValue, WrongOption } from './option-values.ts'

/** One of the listed values: all as likely, or as `weights` says. */
export function options(annotations: Annotations, type: AvroType): Generator {
  const list = annotations.list('options')
  const weights = readWeights(annotations, list?.length ?? 0)
  if (list === undefined) return NOTHING
  const values: Value[] = []
  for (const json of list) {
    try {
      values.push(optionValue(json, type))
    } catch (error) {
      if (!(error instanceof WrongOption)) throw error
      annotations.problem(`has among its options ${error.message}.`)
    }
  }
  if (values.length < list.length) return NOTHING
  const size = Math.max(...list.map((json) => JSON.stringify(json, bigintText).length))
  if (weights === undefined) return generator((draw) => draw.pick(values), size)
  const chosen = weighted(weights)
  return generator((draw) => values[chosen(draw)] ?? null, size)
}

const bigintText = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)

function readWeights(annotations: Annotations, count: number): readonly number[] | undefined {
  const weights = annotations.list('weights')
  if (weights === undefined) return undefined
  const isRight = weights.length === count && isWeights(weights)
  if (!isRight)
    annotations.problem('has weights that are not one number for each option, none below 0 and not all 0.')
  return isRight ? (weights as readonly number[]) : undefined
}

export function isWeights(weights: readonly unknown[]): boolean {
  const sum = weights.reduce(
    (total: number, each) => total + (typeof each === 'number' && each >= 0 ? each : NaN),
    0,
  )
  return Number.isFinite(sum) && sum > 0
}

/** Draws a place, each as likely as its weight says. */
export function weighted(weights: readonly number[]): (draw: Draw) => number {
  const total = weights.reduce((sum, each) => sum + each, 0)
  let sum = 0
  const ends = weights.map((each) => (sum += each / total))
  const last = weights.findLastIndex((each) => each > 0)
  return (draw) => {
    const chance = draw.unit()
    const found = ends.findIndex((end) => chance < end)
    return found < 0 ? last : found
  }
}
