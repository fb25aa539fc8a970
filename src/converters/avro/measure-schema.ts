import { DataError } from '../../api/errors.ts'
import { SCHEMA_LIMITS } from '../limits.ts'
import { type AvroNode, Kind } from './node.ts'

const OWN_SIZE: Readonly<Record<string, number>> = {
  null: 0,
  boolean: 1,
  int: 1,
  long: 1,
  float: 4,
  double: 8,
  bytes: 1,
  string: 1,
  enum: 1,
  array: 1,
  map: 1,
  union: 1,
}

/**
 * Computes `minSize` of every type, and refuses a schema that is small as text but huge when its references are
 * followed: sixty records that each hold the next one twice describe 2^60 values in no bytes at all.
 */
export function measure(root: AvroNode): void {
  const weights = new Map<AvroNode, number>()
  const weigh = (node: AvroNode): number => {
    const known = weights.get(node)
    if (known !== undefined) return known
    weights.set(node, 1) // what a recursive reference counts
    const parts = node.fields.map((field) => field.node).concat(node.branches, node.items ?? [])
    const weight = parts.reduce((sum, part) => sum + weigh(part), 1)
    if (weight > SCHEMA_LIMITS.types) {
      throw new DataError(
        'schema.invalid',
        `The Avro schema cannot be used: it has more than ${SCHEMA_LIMITS.types} types when its references are followed.`,
      )
    }
    weights.set(node, weight)
    node.minSize = node.kind === Kind.fixed ? node.size : minSize(node)
    return weight
  }
  weigh(root)
}

/** Of a type whose parts are measured; a recursive part counts nothing. */
function minSize(node: AvroNode): number {
  if (node.kind !== Kind.record) return OWN_SIZE[node.word] ?? 0
  return node.fields.reduce((sum, field) => Math.min(sum + field.node.minSize, 0x7fffffff), 0)
}

/** Whether a type contains itself. Such a type has no Connect schema, which is a tree. */
export function isRecursive(root: AvroNode): boolean {
  const done = new Set<AvroNode>()
  const open = new Set<AvroNode>()
  const visit = (node: AvroNode): boolean => {
    if (open.has(node)) return true
    if (done.has(node)) return false
    open.add(node)
    const found =
      node.fields.some((field) => visit(field.node)) ||
      node.branches.some(visit) ||
      (node.items !== null && visit(node.items))
    open.delete(node)
    done.add(node)
    return found
  }
  return visit(root)
}
