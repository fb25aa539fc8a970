import { type AvroType, struct, type Value } from 'sluice'
import type { Annotations } from './annotations.ts'
import type { Draw } from './draw.ts'
import { type Generator, generator, NOTHING } from './generator.ts'
import { readLength } from './lengths.ts'
import { arrayOrMap, branchValue } from './option-values.ts'
import { isWeights, weighted } from './options.ts'

export function arrays(annotations: Annotations, type: AvroType, items: Generator): Generator {
  const length = readLength(annotations)
  if (length === undefined) return NOTHING
  const { min, max } = length
  const make = (draw: Draw): Value => {
    const count = min + draw.below(max - min)
    return arrayOrMap(
      Array.from({ length: count }, () => items.make(draw)),
      type,
    )
  }
  return generator(make, (max - 1) * items.size)
}

/** Keys may come twice: a map has at most as many entries as its length says. */
export function maps(annotations: Annotations, keys: Generator, values: Generator): Generator {
  const length = readLength(annotations)
  if (length === undefined) return NOTHING
  const { min, max } = length
  const make = (draw: Draw): Value => {
    const map = new Map<Value, Value>()
    for (let left = min + draw.below(max - min); left > 0; left--) map.set(keys.make(draw), values.make(draw))
    return map
  }
  return generator(make, (max - 1) * (keys.size + values.size))
}

export function records(names: readonly string[], fields: readonly Generator[]): Generator {
  const make = (draw: Draw): Value => {
    const record = struct()
    for (let i = 0; i < names.length; i++) record[names[i]!] = fields[i]!.make(draw)
    return record
  }
  return generator(
    make,
    fields.reduce((sum, { size }) => sum + size, 1),
  )
}

/** One of the branches: each as likely, that of `position`, or as `distribution` or `null.rate` says. */
export function unions(annotations: Annotations, type: AvroType, branches: readonly Generator[]): Generator {
  const weights = readBranches(annotations, type)
  if (weights === undefined) return NOTHING
  const chosen = weighted(weights)
  const size = Math.max(...branches.map((branch) => branch.size))
  const isStruct = type.branches.some(({ field }) => field !== null)
  return generator((draw) => {
    const branch = chosen(draw)
    const value = branches[branch]!.make(draw)
    return isStruct ? branchValue(type, branch, value) : value
  }, size)
}

function readBranches(annotations: Annotations, type: AvroType): readonly number[] | undefined {
  const count = type.branches.length
  if (annotations.has('position')) {
    const position = annotations.count('position')
    if (position !== undefined && position < count)
      return type.branches.map((_, i) => (i === position ? 1 : 0))
    if (position !== undefined)
      annotations.problem(`has position ${position}, but its union has ${count} types.`)
    return undefined
  }
  if (annotations.has('distribution')) return readDistribution(annotations, count)
  if (annotations.has('null.rate')) return readNullRate(annotations, type)
  return type.branches.map(() => 1)
}

function readDistribution(annotations: Annotations, count: number): readonly number[] | undefined {
  const places = Array.from({ length: count }, (_, i) => String(i))
  const distribution = annotations.object('distribution', places)
  if (distribution?.keys.every((place) => places.includes(place)) !== true) return undefined
  const weights = places.map((place) => distribution.number(place) ?? 0)
  if (isWeights(weights)) return weights
  distribution.problem('must give numbers, none below 0 and not all 0.')
  return undefined
}

function readNullRate(annotations: Annotations, { branches }: AvroType): readonly number[] | undefined {
  const rate = annotations.chance('null.rate')
  if (rate === undefined) return undefined
  const isNull = branches.map(({ type }) => type.type === 'null')
  const others = isNull.filter((each) => !each).length
  if (others < branches.length && others > 0) return isNull.map((each) => (each ? rate : (1 - rate) / others))
  annotations.problem('has a null.rate, but no null beside another type in its union.')
  return undefined
}
