import type { ModelColumn, TensorColumn, TensorType } from '../../../api/batch.ts'
import { ModelError } from '../../../api/errors.ts'
import type { ModelInput } from '../../../api/models.ts'
import type { OnnxData, OnnxTensor, OnnxValue } from '../../engines/onnx-session.ts'
import type { Manifest } from '../../manifest/manifest.ts'
import { refuseWide } from '../../scores/network-model.ts'
import { imageShape } from '../../manifest/preprocess-image.ts'

type Numbers = Exclude<OnnxData, readonly string[]>

/** One input of a graph, and the columns of a record that it is made of. */
export interface OnnxInput {
  readonly name: string
  /** The tensor's element type. */
  readonly type: string
  /** Of one row. */
  readonly shape: readonly number[]
  /** The number of rows that the graph insists on; null where any will do. The same for all its inputs. */
  readonly batch: number | null
  /** False where the tensor is one row itself. */
  readonly isBatched: boolean
  readonly columns: readonly ModelInput[]
}

/** How numbers of a type are kept, what a tensor of it is to a transform, and for whole numbers what fits. */
interface NumberType {
  readonly datatype: TensorType
  readonly least?: number
  readonly most?: number
  make(length: number): Numbers
}

const TYPES: Readonly<Record<string, NumberType>> = {
  float16: { datatype: 'FP32', make: (length) => new Float32Array(length) },
  float32: { datatype: 'FP32', make: (length) => new Float32Array(length) },
  float64: { datatype: 'FP64', make: (length) => new Float64Array(length) },
  bool: { datatype: 'UINT8', least: 0, most: 1, make: (length) => new Uint8Array(length) },
  uint8: { datatype: 'UINT8', least: 0, most: 2 ** 8 - 1, make: (length) => new Uint8Array(length) },
  int8: { datatype: 'INT64', least: -(2 ** 7), most: 2 ** 7 - 1, make: (length) => new Int8Array(length) },
  uint16: { datatype: 'INT64', least: 0, most: 2 ** 16 - 1, make: (length) => new Uint16Array(length) },
  int16: {
    datatype: 'INT64',
    least: -(2 ** 15),
    most: 2 ** 15 - 1,
    make: (length) => new Int16Array(length),
  },
  uint32: { datatype: 'INT64', least: 0, most: 2 ** 32 - 1, make: (length) => new Uint32Array(length) },
  int32: {
    datatype: 'INT64',
    least: -(2 ** 31),
    most: 2 ** 31 - 1,
    make: (length) => new Int32Array(length),
  },
  uint64: { datatype: 'INT64', least: 0, most: 2 ** 63, make: (length) => new BigUint64Array(length) },
  int64: { datatype: 'INT64', least: -(2 ** 63), most: 2 ** 63, make: (length) => new BigInt64Array(length) },
}

/** Types whose numbers a double may round. */
export function isLong(type: string | null): boolean {
  return type === 'int64' || type === 'uint64'
}

/** Types of tensors that are numbers. */
export function isNumeric(type: string | null): boolean {
  return type !== null && Object.hasOwn(TYPES, type)
}

function unsupported(what: string): ModelError {
  return new ModelError('model.unsupported', `The ONNX model ${what}.`)
}

/** What records must hold for a graph. Throws where an input cannot be made of columns or contradicts the manifest. */
export function readOnnxInputs(
  values: readonly OnnxValue[],
  manifest: Manifest | null,
): readonly OnnxInput[] {
  const declared = manifest?.signature?.inputs
  if (values.length === 0)
    throw unsupported(
      'takes nothing: it gives the same numbers whatever a record holds. Export it with what it scores as an input',
    )
  const known = values.length === 1 ? rowShape(manifest) : undefined
  const batch = commonBatch(values)
  const plain = values.map((value) => readInput(value, { known, count: values.length, batch }))
  const width = plain.reduce((sum, { columns }) => sum + columns.length, 0)
  const isNamed = plain.every(({ columns, name }) => columns.length === 1 && columns[0]?.name === name)
  if (declared === undefined || isNamed) return plain
  if (declared.length !== width) {
    throw new ModelError(
      'model.manifest',
      `The manifest names ${declared.length} columns, but the model takes ${width}. Correct the manifest.`,
    )
  }
  let at = 0
  return plain.map((input) => ({
    ...input,
    columns: input.columns.map((column) => ({ ...column, name: declared[at++]?.name ?? column.name })),
  }))
}

/** What the manifest knows of the shape of a row, where the file leaves it open. */
function rowShape(manifest: Manifest | null): readonly number[] | undefined {
  const image = manifest?.preprocess?.image
  if (image !== undefined) return imageShape(image)
  const columns = manifest?.signature?.inputs
  return columns === undefined ? undefined : [columns.length]
}

/** Whether a tensor is one row itself: a number without axes, or a list of a fixed length. */
function isOneRow({ shape }: OnnxValue): boolean {
  const [size] = shape
  return shape.length === 0 || (shape.length === 1 && typeof size === 'number' && size > 1)
}

function commonBatch(values: readonly OnnxValue[]): number | null {
  const found = values.map((value) => (isOneRow(value) ? 1 : value.shape[0]))
  const sizes = [...new Set(found.filter((size) => typeof size === 'number'))]
  if (sizes.length > 1)
    throw unsupported(`takes ${sizes.join(' and ')} rows at once. Export it with one open size`)
  return sizes[0] ?? null
}

function readInput(
  value: OnnxValue,
  { known, count, batch }: { known: readonly number[] | undefined; count: number; batch: number | null },
): OnnxInput {
  const { name, type, shape } = value
  if (type === null)
    throw unsupported(`takes a sequence or a map as ${name}. Export it with tensors as inputs`)
  if (type !== 'string' && !isNumeric(type))
    throw unsupported(`takes numbers of the type ${type} as ${name}. Export it with float32`)
  if (shape.length === 0 && count === 1)
    throw unsupported(`does not say of what shape ${name} is. Export it with one that begins with the batch`)
  const row = isOneRow(value) ? shape : shape.slice(1)
  const sizes = row.map((size, i) =>
    typeof size === 'number' ? size : known?.length === row.length ? known[i] : undefined,
  )
  if (sizes.includes(undefined)) {
    throw unsupported(
      `does not say how large ${name} is ([${shape.join(', ')}]). Name its columns in signature.inputs of a manifest, or the size of a picture in preprocess.image, or export it with fixed sizes`,
    )
  }
  const input = { name, type, shape: sizes as number[], batch, isBatched: !isOneRow(value) }
  return { ...input, columns: columnsOf(input, count) }
}

function columnsOf(
  { name, type, shape, batch }: Omit<OnnxInput, 'columns'>,
  count: number,
): readonly ModelInput[] {
  const width = shape.reduce((product, each) => product * each, 1)
  const isText = type === 'string'
  const isTensor = shape.length > 1 && width !== 1
  refuseWide('takes', width * (batch ?? 1), isTensor || batch !== null)
  if (isTensor) {
    const datatype = TYPES[type]?.datatype
    if (datatype === undefined)
      throw unsupported(
        `takes a tensor of texts as ${name}. Export it with one row of them, or an input for each`,
      )
    return [{ name, type: 'tensor', shape, datatype, required: true }]
  }
  refuseWide('takes', width)
  const kind = isText ? 'categorical' : 'numeric'
  const numbers = {
    ...(isLong(type) ? { datatype: 'INT64' as const } : {}),
    ...(TYPES[type]?.least === undefined ? {} : { holds: holdsOf(type) }),
  }
  if (width === 1 && (isText || count > 1 || shape.length === 0))
    return [{ name, type: kind, ...numbers, required: true }]
  return Array.from({ length: width }, (_, i) => ({
    name: count === 1 ? `f${i}` : `${name}_${i}`,
    type: kind,
    ...numbers,
    required: true,
  }))
}

function holdsOf(type: string): 'boolean' | 'whole' {
  return type === 'bool' ? 'boolean' : 'whole'
}

/** What of a batch goes into one input: rows `from` to `to`, then empty ones up to `padded` rows. */
export interface Slice {
  readonly from: number
  readonly to: number
  readonly padded: number
}

/**
 * The tensor of one input. Floats that are missing are NaN, which a graph may know what to do with; rows that lack a
 * text or a whole number are told to `lacks`, with the reason.
 */
export function feed(
  input: OnnxInput,
  columns: readonly ModelColumn[],
  { from, to, padded }: Slice,
  lacks: (row: number, why: string) => void,
): OnnxTensor {
  const { type, shape } = input
  const dims = input.isBatched ? [padded, ...shape] : shape
  const number = TYPES[type]
  const slice = { from, to, padded }
  const [first] = columns
  const width = shape.reduce((product, each) => product * each, 1)
  if (number === undefined) return { type, dims, data: texts(input, columns, { ...slice, width }, lacks) }
  const data = number.make(width * padded)
  const { least = -Infinity, most = Infinity } = number
  const isWhole = number.least !== undefined
  const write = (at: number, value: number, row: number, name: string, exact?: bigint) => {
    // Beyond what fits, a number would become another one.
    if (isWhole && !(Number.isInteger(value) && value >= least && value <= most))
      lacks(row, whyNot(name, value, type))
    else if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
      const whole = wholeOf(value, exact)
      if (whole === null) lacks(row, whyNot(name, value, type))
      else data[at] = whole
    } else data[at] = value
  }
  if (first?.type === 'tensor') {
    for (let i = from * width; i < to * width; i++)
      write(i - from * width, Number(first.data[i]), Math.floor(i / width), input.name, exactOf(first, i))
    return { type, dims, data }
  }
  columns.forEach((column, k) => {
    if (column.type !== 'float64') throw new TypeError(`a column of type ${column.type} for a numeric input`)
    for (let row = from; row < to; row++) {
      const value = column.present[row] === 1 ? column.values[row]! : NaN
      write((row - from) * width + k, value, row, input.columns[k]?.name ?? input.name, column.exact?.[row])
    }
  })
  return { type, dims, data }
}

/** The digits of a tensor's number. */
function exactOf({ data, exact }: TensorColumn, at: number): bigint | undefined {
  return data instanceof BigInt64Array ? data[at] : exact?.[at]
}

/** A whole number to its last digit; null where only a rounded one is known, or it has more than 64 bits. */
function wholeOf(value: number, exact: bigint | undefined): bigint | null {
  if (Number.isSafeInteger(value)) return BigInt(value)
  return exact !== undefined && Number(exact) === value ? exact : null
}

function whyNot(name: string, value: number, type: string): string {
  if (Number.isNaN(value)) return `${name} is missing, which the graph's ${type} cannot be`
  if (!Number.isFinite(value)) return `${name} is infinite, which the graph's ${type} cannot be`
  if (!Number.isInteger(value))
    return `${name} is ${value}, which is no whole number as the graph's ${type} is`
  return `${name} is ${value}, which does not fit the graph's ${type} exactly`
}

function texts(
  input: OnnxInput,
  columns: readonly ModelColumn[],
  { from, to, padded, width }: Slice & { readonly width: number },
  lacks: (row: number, why: string) => void,
): string[] {
  const found = new Array<string>(padded * width).fill('')
  columns.forEach((column, k) => {
    for (let row = from; row < to; row++) {
      let value: string | null | undefined
      if (column.type === 'string') value = column.values[row]
      else if (column.type === 'category') value = column.domain[column.levels[row]!]
      if (value == null)
        lacks(row, `${input.columns[k]?.name ?? input.name} is missing, and the graph needs a text`)
      else found[(row - from) * width + k] = value
    }
  })
  return found
}
