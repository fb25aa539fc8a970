import type { AvroType } from 'sluice'
import { type Annotations, shown } from './annotations.ts'
import { type Generator, generator, NOTHING } from './generator.ts'
import { readLength } from './lengths.ts'
import { symbolsOf } from './option-values.ts'

/** True as often as `odds` says, or in turns. */
export function booleans(annotations: Annotations): Generator {
  if (!annotations.has('iteration')) {
    const odds = annotations.chance('odds') ?? 0.5
    return generator((draw) => draw.unit() < odds)
  }
  const iteration = annotations.object('iteration', ['start'])
  const start = iteration?.get('start')
  if (typeof start === 'boolean') return generator(({ index }) => (index % 2 === 0 ? start : !start))
  iteration?.problem(`has start ${shown(start)}, which must be true or false.`)
  return NOTHING
}

export function bytes(annotations: Annotations): Generator {
  const length = readLength(annotations)
  return length === undefined ? NOTHING : randomBytes(length.min, length.max - length.min)
}

/** From `min` on, up to before `min + spread`. */
export function randomBytes(min: number, spread: number): Generator {
  return generator((draw) => {
    const made = Buffer.allocUnsafe(min + draw.below(spread))
    for (let i = 0; i < made.length; i++) made[i] = draw.bits() >>> 24
    return made
  }, min + spread)
}

export function symbols(annotations: Annotations, type: AvroType): Generator {
  const all = symbolsOf(type)
  if (all.length > 0) return generator((draw) => draw.pick(all))
  annotations.problem('is an enum without symbols.')
  return NOTHING
}
