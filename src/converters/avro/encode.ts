import { DataError } from '../../api/errors.ts'
import { isStruct, type Value } from '../../api/schema.ts'
import type { ByteWriter } from '../byte-writer.ts'
import { fitsPrecision, isDecimal, unscaledBytes } from '../decimals.ts'
import { kindOf } from '../value-columns.ts'
import { isMapEntry } from './connect-names.ts'
import { type AvroNode, Kind } from './node.ts'

const MS_PER_DAY = 86_400_000
const INT_MAX = 0x7fffffff
const LONG_MAX = 2n ** 63n - 1n

/**
 * Writes a Connect value in Avro's binary encoding. Throws DataError `record.value` where the value does not fit the
 * type; nothing is coerced (invariant 5). `path` names the place in the record.
 */
export function encodeValue(out: ByteWriter, node: AvroNode, value: Value | undefined, path: string): void {
  switch (node.kind) {
    case Kind.null:
      if (value !== null && value !== undefined) throw misfit(node, value, path)
      return
    case Kind.boolean:
      if (typeof value !== 'boolean') throw misfit(node, value, path)
      out.byte(value ? 1 : 0)
      return
    case Kind.int:
      out.int(intOf(node, value, path))
      return
    case Kind.long:
      out.long(longOf(node, value, path))
      return
    case Kind.float:
      if (typeof value !== 'number') throw misfit(node, value, path)
      out.float(value)
      return
    case Kind.double:
      if (typeof value !== 'number') throw misfit(node, value, path)
      out.double(value)
      return
    case Kind.string:
      if (typeof value !== 'string') throw misfit(node, value, path)
      out.string(value)
      return
    default:
      encodeOther(out, node, value ?? null, path)
  }
}

function misfit(node: AvroNode, value: Value | undefined, path: string): DataError {
  const where = path === '' ? 'The record' : `Field "${path}"`
  const type =
    node.logical ?? (node.kind === Kind.union ? node.branches.map((b) => b.name).join(' or ') : node.name)
  return new DataError(
    'record.value',
    `${where} is ${kindOf(value)}, which does not fit its Avro type ${type}.`,
  )
}

function intOf(node: AvroNode, value: Value | undefined, path: string): number {
  let number = value
  if (node.logical !== null && value instanceof Date) {
    number = node.logical === 'date' ? value.getTime() / MS_PER_DAY : value.getTime()
  }
  const fits =
    typeof number === 'number' && Number.isInteger(number) && number <= INT_MAX && number >= -INT_MAX - 1
  if (!fits || (node.logical !== null && !(value instanceof Date))) throw misfit(node, value, path)
  return number as number
}

function longOf(node: AvroNode, value: Value | undefined, path: string): bigint {
  if (node.logical !== null) {
    if (!(value instanceof Date) || Number.isNaN(value.getTime())) throw misfit(node, value, path)
    return BigInt(value.getTime())
  }
  if (typeof value !== 'bigint' || value > LONG_MAX || value < -LONG_MAX - 1n) throw misfit(node, value, path)
  return value
}

function encodeOther(out: ByteWriter, node: AvroNode, value: Value, path: string): void {
  switch (node.kind) {
    case Kind.bytes: {
      const bytes = bytesOf(node, value, path)
      out.int(bytes.length)
      out.raw(bytes)
      return
    }
    case Kind.fixed:
      out.raw(fixedOf(node, value, path))
      return
    case Kind.enum: {
      const index = typeof value === 'string' ? (node.symbolIndex.get(value) ?? -1) : -1
      if (index < 0) throw misfit(node, value, path)
      out.int(index)
      return
    }
    case Kind.union:
      encodeUnion(out, node, value, path)
      return
    case Kind.record:
      if (value === null || !isStruct(value)) throw misfit(node, value, path)
      for (const field of node.fields) {
        encodeValue(out, field.node, value[field.name], path === '' ? field.name : `${path}.${field.name}`)
      }
      return
    case Kind.array:
      encodeArray(out, node.items!, value, path)
      return
    default:
      encodeMap(out, node, value, path)
  }
}

function bytesOf(node: AvroNode, value: Value, path: string): Buffer {
  if (node.logical === 'decimal') {
    if (isDecimal(value) && value.scale === node.scale) {
      const bytes = unscaledBytes(value.unscaled)
      if (fitsPrecision(bytes, 0, bytes.length, node.precision)) return bytes
    }
  } else if (Buffer.isBuffer(value)) return value
  throw misfit(node, value, path)
}

/** A decimal in a fixed is padded with its sign. */
function fixedOf(node: AvroNode, value: Value, path: string): Buffer {
  const bytes = bytesOf(node, value, path)
  if (bytes.length === node.size) return bytes
  if (node.logical !== 'decimal' || bytes.length > node.size) throw misfit(node, value, path)
  const padded = Buffer.alloc(node.size, bytes[0]! >= 0x80 ? 0xff : 0)
  bytes.copy(padded, node.size - bytes.length)
  return padded
}

function encodeUnion(out: ByteWriter, node: AvroNode, value: Value, path: string): void {
  const index = branchOf(node, value)
  if (index < 0) throw misfit(node, value, path)
  out.int(index)
  const branch = node.branches[index]!
  if (node.nullIndex >= 0 || value === null || (node.branches.length === 1 && !isWrapped(node, value))) {
    encodeValue(out, branch, value, path)
    return
  }
  const name = node.branchNames[index]!
  encodeValue(out, branch, (value as Readonly<Record<string, Value>>)[name], `${path}.${name}`)
}

/**
 * Whether the value of a union of one type is a struct of that type, as a converter gives it that does not flatten such
 * unions. The converter that wrote the schema need not be the one that read the value.
 */
function isWrapped(node: AvroNode, value: Exclude<Value, null>): boolean {
  const branch = node.branches[0]!
  const [name] = node.branchNames
  const fields = branch.kind === Kind.record ? branch.fields : []
  if (fields.length === 1 && fields[0]!.name === name) return !node.flat
  return (
    isStruct(value) &&
    Object.keys(value).length === 1 &&
    typeof name === 'string' &&
    Object.hasOwn(value, name)
  )
}

/** A union of null and one type, and of one type, takes the value itself; any other a struct with exactly one field that is not null. */
function branchOf(node: AvroNode, value: Value): number {
  if (value === null) return node.branches.findIndex((branch) => branch.kind === Kind.null)
  if (node.nullIndex >= 0) return 1 - node.nullIndex
  if (node.branches.length === 1) return 0
  if (!isStruct(value)) return -1
  const set = node.branchNames.flatMap((name, i) =>
    name !== null && (value[name] ?? null) !== null ? [i] : [],
  )
  return set.length === 1 ? set[0]! : -1
}

function encodeArray(out: ByteWriter, items: AvroNode, value: Value, path: string): void {
  if (isMapEntry(items) && value instanceof Map) {
    const entries = [...(value as ReadonlyMap<Value, Value>)]
    if (entries.length > 0) out.int(entries.length)
    for (const [key, item] of entries) {
      for (const field of items.fields)
        encodeValue(out, field.node, field.name === 'key' ? key : item, `${path}[]`)
    }
  } else {
    if (!Array.isArray(value)) throw misfit(items, value, `${path}[]`)
    if (value.length > 0) out.int(value.length)
    for (const item of value as readonly Value[]) encodeValue(out, items, item, `${path}[]`)
  }
  out.byte(0)
}

function encodeMap(out: ByteWriter, node: AvroNode, value: Value, path: string): void {
  if (!(value instanceof Map)) throw misfit(node, value, path)
  const map = value as ReadonlyMap<Value, Value>
  if (map.size > 0) out.int(map.size)
  for (const [key, item] of map) {
    if (typeof key !== 'string') throw misfit(node, key, `${path}{}`)
    out.string(key)
    encodeValue(out, node.items!, item, `${path}{}`)
  }
  out.byte(0)
}
