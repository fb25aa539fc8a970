import { ModelError } from '../../../api/errors.ts'
import type { JavaStream } from '../java-stream.ts'

export interface Nd4jArray {
  readonly shape: readonly number[]
  readonly values: Float32Array | Float64Array
}

/** Ways in which ND4J allocated a buffer before 1.0.0-beta: their length is an i32 (BaseDataBuffer.readHeader). */
const OLD_MODES = ['DIRECT', 'HEAP', 'JAVACPP']
/** LONG_SHAPE is 1.0.0-beta's, MIXED_DATA_TYPES that of 1.0.0-beta4 and later: the layout is the same. */
const NEW_MODES = ['LONG_SHAPE', 'MIXED_DATA_TYPES']

/** Types of networks that are not read. */
const NARROW = ['HALF', 'BFLOAT16']

const WIDTH: Readonly<Record<string, number>> = { INT: 4, LONG: 8, FLOAT: 4, DOUBLE: 8 }

/**
 * Reads an array as Nd4j.write writes it: a buffer with the shape (rank, sizes, strides, extras, element stride,
 * order) and one with the values. Only vectors are read: their order does not matter.
 */
export function readVector(stream: JavaStream): Nd4jArray {
  const info = readBuffer(stream, ['INT', 'LONG'])
  const rank = info[0] ?? -1
  if (rank < 0 || rank > 32 || info.length !== 2 * rank + 4)
    throw stream.corrupt('has an array without a shape')
  const shape = Array.from(info.slice(1, 1 + rank))
  const values = readBuffer(stream, ['FLOAT', 'DOUBLE'])
  if (shape.reduce((product, size) => product * size, 1) !== values.length) {
    throw stream.corrupt(`has ${values.length} numbers for an array of ${shape.join(' × ')}`)
  }
  if (shape.filter((size) => size !== 1).length > 1)
    throw stream.corrupt('has a matrix where a vector belongs')
  return { shape, values: values }
}

/** Allocation mode, length, type, numbers. */
function readBuffer(stream: JavaStream, types: readonly string[]): Float32Array | Float64Array {
  const mode = stream.text()
  if (!OLD_MODES.includes(mode) && !NEW_MODES.includes(mode)) throw stream.corrupt('is no ND4J array')
  const length = OLD_MODES.includes(mode) ? stream.int() : stream.long()
  const type = stream.text()
  const width = WIDTH[type]
  if (NARROW.includes(type)) {
    const what = `The network has numbers of the type ${type}, which is not supported: FLOAT and DOUBLE are.`
    throw new ModelError('model.unsupported', `${what} Save it after model.convertDataType(DataType.FLOAT).`)
  }
  if (width === undefined || !types.includes(type)) {
    throw stream.corrupt(`holds numbers of the type ${JSON.stringify(type)}, not ${types.join(' or ')}`)
  }
  const bytes = stream.take(length * width)
  const values = type === 'FLOAT' ? new Float32Array(length) : new Float64Array(length)
  for (let i = 0; i < length; i++) values[i] = readNumber(bytes, type, i * width)
  return values
}

function readNumber(bytes: Buffer, type: string, at: number): number {
  if (type === 'FLOAT') return bytes.readFloatBE(at)
  if (type === 'DOUBLE') return bytes.readDoubleBE(at)
  return type === 'INT' ? bytes.readInt32BE(at) : Number(bytes.readBigInt64BE(at))
}
