import type { AvroType } from 'sluice'
import { holdsTime } from './timestamps.ts'
import { wholeForm } from './whole-form.ts'

const NUMBER_KEYS = ['range', 'iteration']
/** What may stand at a type, besides `options` and `weights`. */
const KEYS: Readonly<Partial<Record<AvroType['type'], readonly string[]>>> = {
  boolean: ['iteration', 'odds'],
  int: NUMBER_KEYS,
  long: NUMBER_KEYS,
  float: NUMBER_KEYS,
  double: NUMBER_KEYS,
  bytes: ['length'],
  string: ['regex', 'length', 'kind', 'iteration', 'prefix', 'suffix'],
  array: ['length'],
  map: ['length', 'keys'],
}
/** What says which type of a union a value is of. */
export const BRANCH_KEYS = ['position', 'distribution', 'null.rate']
/** What may stand beside a union of several types; the rest stands at one of them. */
export const UNION_KEYS = [...BRANCH_KEYS, 'options', 'weights']
/** Each of these says by itself what comes out. */
const SOURCES = ['options', 'range', 'iteration', 'timestamp', 'odds', 'regex', 'kind']
/** Of each of these one at most. */
export const CONTRADICTIONS: readonly (readonly string[])[] = [
  SOURCES,
  [...BRANCH_KEYS, 'options'],
  ...['options', 'iteration', 'timestamp', 'kind'].map((source) => [source, 'length']),
  ...['options', 'timestamp'].flatMap((source) => ['prefix', 'suffix'].map((affix) => [source, affix])),
]

/** All that may stand at a type. */
export function keysOf(type: AvroType): readonly string[] {
  const isDecimal = wholeForm(type) !== undefined && (type.type === 'bytes' || type.type === 'fixed')
  const own = isDecimal ? NUMBER_KEYS : (KEYS[type.type] ?? [])
  return ['options', 'weights', ...own, ...(holdsTime(type) ? ['timestamp'] : [])]
}

/** A type in words. */
export function wordsFor({ type, name }: AvroType): string {
  if (type === 'record') return name
  return `${/^[aei]/.test(type) ? 'an' : 'a'} ${type}`
}
