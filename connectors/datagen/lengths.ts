import { type Annotations, isObject, shown } from './annotations.ts'

export interface Length {
  readonly min: number
  /** Exclusive, as in Confluent's datagen. */
  readonly max: number
}

/** Where the schema says nothing; and how many more than a given least. */
const USUAL: Length = { min: 8, max: 16 }
const MORE = 8

/** A number, or `min` and `max`; undefined where it is wrong, which is reported. */
export function readLength(annotations: Annotations): Length | undefined {
  if (!annotations.has('length')) return USUAL
  if (!isObject(annotations.get('length'))) {
    const exact = annotations.count('length')
    return exact === undefined ? undefined : { min: exact, max: exact + 1 }
  }
  const length = annotations.object('length', ['min', 'max'])
  if (length === undefined) return undefined
  const min = length.count('min') ?? 0
  const max = length.count('max') ?? min + MORE
  if (!length.has('min') && !length.has('max')) length.problem('must have min or max.')
  else if (min < max) return { min, max }
  else
    length.problem(
      `has min ${shown(length.get('min'))}, which must be less than max ${shown(length.get('max'))}.`,
    )
  return undefined
}
