import { DataError } from '../../api/errors.ts'
import { LOGICAL, struct, type Value } from '../../api/schema.ts'
import { unscaledFrom } from '../decimals.ts'
import { isMapEntry } from './connect-names.ts'
import { StringCache } from './domain-table.ts'
import { type AvroNode, Kind } from './node.ts'
import { type Reader, tooPrecise } from './reader.ts'

const MS_PER_DAY = 86_400_000
/** The furthest that a JavaScript Date reaches, in milliseconds. */
const MAX_DATE = 8.64e15

/**
 * Decodes one value as a Connect value, checking as it goes: it needs no walk before. Throws a DataError where the
 * bytes are malformed.
 */
export function decodeValue(reader: Reader, node: AvroNode): Value {
  switch (node.kind) {
    case Kind.null:
      return null
    case Kind.boolean:
      return reader.boolean()
    case Kind.int:
      return node.logical === null ? reader.int() : dateOf(reader.int(), node)
    case Kind.long:
      return node.logical === null ? reader.bigint() : dateOf(reader.long(), node)
    case Kind.float:
      return reader.float()
    case Kind.double:
      return reader.double()
    case Kind.bytes:
      return decodeBytes(reader, reader.length(), node)
    case Kind.fixed:
      return decodeBytes(reader, node.size, node)
    case Kind.string:
      return text(reader)
    case Kind.enum:
      return node.symbols[reader.index(node.symbols.length, 'enum symbol')]!
    default:
      return decodeNested(reader, node)
  }
}

const interned = new StringCache()

function text(reader: Reader): string {
  reader.skipString()
  return interned.read(reader.bytes, reader.start, reader.at)
}

function dateOf(raw: number, node: AvroNode): Date {
  const time = node.logical === 'date' ? raw * MS_PER_DAY : raw
  if (Math.abs(time) > MAX_DATE) {
    throw new DataError('record.value', `${raw} is out of the range of ${LOGICAL.timestamp}.`)
  }
  return new Date(time)
}

function decodeBytes(reader: Reader, size: number, node: AvroNode): Value {
  const from = reader.at
  reader.skip(size)
  const bytes = Buffer.from(reader.bytes.subarray(from, reader.at))
  if (node.logical !== 'decimal') return bytes
  const unscaled = unscaledFrom(bytes, node.precision)
  if (unscaled === undefined) throw tooPrecise(node)
  return { unscaled, scale: node.scale }
}

function decodeNested(reader: Reader, node: AvroNode): Value {
  reader.enter()
  const value = decodeParts(reader, node)
  reader.leave()
  return value
}

function decodeParts(reader: Reader, node: AvroNode): Value {
  if (node.kind === Kind.record) {
    reader.charge(node.fields.length)
    const record = struct()
    for (const field of node.fields) record[field.name] = decodeValue(reader, field.node)
    return record
  }
  if (node.kind === Kind.union) return decodeUnion(reader, node)
  if (node.kind === Kind.map) return decodeMap(reader, node.items!)
  return isMapEntry(node.items!) ? decodeEntries(reader, node.items!) : decodeArray(reader, node.items!)
}

function decodeUnion(reader: Reader, node: AvroNode): Value {
  const index = reader.index(node.branches.length, 'union branch')
  reader.charge(node.branches.length)
  const value = decodeValue(reader, node.branches[index]!)
  if (node.flat || node.nullIndex >= 0 || node.branches[index]!.kind === Kind.null) return value
  const names = node.branchNames
  const union = struct()
  for (const [i, name] of names.entries()) if (name !== null) union[name] = i === index ? value : null
  return union
}

function decodeArray(reader: Reader, items: AvroNode): Value {
  const values: Value[] = []
  for (let count = reader.block(items.minSize); count > 0; count = reader.block(items.minSize)) {
    const { blockEnd } = reader
    for (let i = 0; i < count; i++) values.push(decodeValue(reader, items))
    reader.endBlock(blockEnd)
  }
  return values
}

function decodeMap(reader: Reader, items: AvroNode): Value {
  const map = new Map<Value, Value>()
  const itemSize = items.minSize + 1
  for (let count = reader.block(itemSize); count > 0; count = reader.block(itemSize)) {
    const { blockEnd } = reader
    for (let i = 0; i < count; i++) {
      const key = text(reader)
      map.set(key, decodeValue(reader, items))
    }
    reader.endBlock(blockEnd)
  }
  return map
}

/** A map whose keys are no strings: an array of records of key and value. */
function decodeEntries(reader: Reader, entry: AvroNode): Value {
  const map = new Map<Value, Value>()
  for (let count = reader.block(entry.minSize); count > 0; count = reader.block(entry.minSize)) {
    const { blockEnd } = reader
    for (let i = 0; i < count; i++) {
      const record = struct()
      for (const field of entry.fields) record[field.name] = decodeValue(reader, field.node)
      map.set(record['key'] ?? null, record['value'] ?? null)
    }
    reader.endBlock(blockEnd)
  }
  return map
}
