import { fitsPrecision } from '../decimals.ts'
import { type AvroNode, Kind } from './node.ts'
import { malformed, type Reader, tooPrecise } from './reader.ts'

/**
 * What the walk of a record needs of its fields, in typed arrays. A type that is no record is walked as if it were
 * the only field of one.
 */
export class WalkPlan {
  readonly count: number
  readonly nodes: readonly AvroNode[]
  /** Per field: the kind of its value, a nullable one's inner kind. */
  readonly kinds: Uint8Array
  /** Per field: the index of null in a union of null and one other type; −1 for all others. */
  readonly nulls: Int8Array
  /** Per field: the number of an enum's symbols, or the size of a fixed. */
  readonly limits: Int32Array

  constructor(root: AvroNode) {
    const fields = root.kind === Kind.record ? root.fields.map((field) => field.node) : [root]
    this.count = fields.length
    this.nodes = fields.map((node) => node.inner)
    this.kinds = Uint8Array.from(this.nodes, (node) => node.kind)
    this.nulls = Int8Array.from(fields, (node) => node.nullIndex)
    this.limits = Int32Array.from(this.nodes, (node) =>
      node.kind === Kind.fixed ? node.size : node.symbols.length,
    )
  }
}

/**
 * Walks one record from its first byte to its last and notes where each field's value starts, behind the index of a
 * nullable union; −1 for null. Throws a DataError where a byte is not what the schema says, or where the record does
 * not end exactly at its end. What passes can be read at the noted positions and copied as it is. Invariant 5: nothing that
 * is not what its schema says goes on.
 */
export function walkRecord(reader: Reader, plan: WalkPlan, positions: Int32Array, base: number): void {
  const { count, kinds, nulls, limits, nodes } = plan
  for (let field = 0; field < count; field++) {
    const nullIndex = nulls[field]!
    if (nullIndex >= 0 && reader.index(2, 'union branch') === nullIndex) {
      positions[base + field] = -1
      continue
    }
    positions[base + field] = reader.at
    switch (kinds[field]!) {
      case Kind.int:
        reader.int()
        break
      case Kind.long:
        reader.skipLong()
        break
      case Kind.double:
        reader.skip(8)
        break
      case Kind.string:
        reader.skipString()
        break
      case Kind.enum:
        reader.index(limits[field]!, 'enum symbol')
        break
      case Kind.fixed:
        skipBytes(reader, limits[field]!, nodes[field]!)
        break
      default:
        skipValue(reader, nodes[field]!)
    }
  }
  if (reader.at !== reader.end) throw malformed(`${reader.end - reader.at} bytes follow its end.`)
}

/** Validates one value of any type and goes to its end. */
export function skipValue(reader: Reader, node: AvroNode): void {
  switch (node.kind) {
    case Kind.null:
      return
    case Kind.boolean:
      reader.boolean()
      return
    case Kind.int:
      reader.int()
      return
    case Kind.long:
      reader.skipLong()
      return
    case Kind.float:
      reader.skip(4)
      return
    case Kind.double:
      reader.skip(8)
      return
    case Kind.bytes:
      skipBytes(reader, reader.length(), node)
      return
    case Kind.string:
      reader.skipString()
      return
    case Kind.fixed:
      skipBytes(reader, node.size, node)
      return
    case Kind.enum:
      reader.index(node.symbols.length, 'enum symbol')
      return
    default:
      skipNested(reader, node)
  }
}

function skipBytes(reader: Reader, size: number, node: AvroNode): void {
  const start = reader.at
  reader.skip(size)
  if (node.logical !== 'decimal') return
  if (!fitsPrecision(reader.bytes, start, reader.at, node.precision)) throw tooPrecise(node)
}

function skipNested(reader: Reader, node: AvroNode): void {
  reader.enter()
  if (node.kind === Kind.record) {
    reader.charge(node.fields.length)
    for (const field of node.fields) skipValue(reader, field.node)
  } else if (node.kind === Kind.union) {
    const branch = node.branches[reader.index(node.branches.length, 'union branch')]!
    reader.charge(node.branches.length)
    skipValue(reader, branch)
  } else skipBlocks(reader, node.items!, node.kind === Kind.map)
  reader.leave()
}

function skipBlocks(reader: Reader, items: AvroNode, keyed: boolean): void {
  const itemSize = items.minSize + (keyed ? 1 : 0)
  for (let count = reader.block(itemSize); count > 0; count = reader.block(itemSize)) {
    const { blockEnd } = reader
    for (let i = 0; i < count; i++) {
      if (keyed) reader.skipString()
      skipValue(reader, items)
    }
    reader.endBlock(blockEnd)
  }
}
