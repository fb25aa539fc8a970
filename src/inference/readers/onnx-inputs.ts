import type { ModelColumn, TensorType } from '../../api/batch.ts'
import { ModelError } from '../../api/errors.ts'
import type { ModelInput } from '../../api/models.ts'
import type { OnnxData, OnnxTensor, OnnxValue } from '../engines/onnx-session.ts'
import type { Manifest } from '../manifest.ts'
import { imageShape } from '../preprocess-image.ts'

type NumericType = 'float32' | 'float64' | 'int64' | 'int32' | 'uint8' | 'bool'

/** One input of a graph, and the columns of a record that it is made of. */
export interface OnnxInput {
  readonly name: string
  readonly type: NumericType | 'string'
  /** Of one row. */
  readonly shape: readonly number[]
  /** The number of rows that the graph insists on; null where any will do. */
  readonly batch: number | null
  readonly columns: readonly ModelInput[]
}

const DATATYPE: Readonly<Partial<Record<string, TensorType>>> = {
  float32: 'FP32',
  float64: 'FP64',
  int64: 'INT64',
  uint8: 'UINT8',
}
const NUMERIC: readonly string[] = ['float32', 'float64', 'int64', 'int32', 'uint8', 'bool']

function unsupported(what: string): ModelError {
  return new ModelError('model.unsupported', `The ONNX model ${what}.`)
}

/** What records must hold for a graph. Throws where an input cannot be made of columns or contradicts the manifest. */
export function readOnnxInputs(
  values: readonly OnnxValue[],
  manifest: Manifest | null,
): readonly OnnxInput[] {
  const declared = manifest?.signature?.inputs
  const known = values.length === 1 ? rowShape(manifest) : undefined
  const plain = values.map((value) => readInput(value, known, values.length))
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

function readInput(value: OnnxValue, known: readonly number[] | undefined, count: number): OnnxInput {
  const { name, type, shape } = value
  if (type === null) throw unsupported(`takes a sequence or a map as ${name}: tensors are supported`)
  const isText = type === 'string'
  if (!isText && !NUMERIC.includes(type)) throw unsupported(`takes numbers of the type ${type} as ${name}`)
  const [batch, ...row] = shape
  if (batch === undefined || (shape.length === 1 && typeof batch === 'number' && batch > 1)) {
    throw unsupported(`takes ${name} of the shape [${shape.join(', ')}] without a batch. Export it with one`)
  }
  const sizes = row.map((size, i) =>
    typeof size === 'number' ? size : known?.length === row.length ? known[i] : undefined,
  )
  if (sizes.includes(undefined)) {
    throw unsupported(
      `does not say how large ${name} is ([${shape.join(', ')}]). Name its columns in signature.inputs of a manifest, or the size of a picture in preprocess.image, or export it with fixed sizes`,
    )
  }
  const fixed = sizes as number[]
  const input = {
    name,
    type: type as OnnxInput['type'],
    shape: fixed,
    batch: typeof batch === 'number' ? batch : null,
  }
  return { ...input, columns: columnsOf(input, count) }
}

function columnsOf({ name, type, shape }: Omit<OnnxInput, 'columns'>, count: number): readonly ModelInput[] {
  const width = shape.reduce((product, each) => product * each, 1)
  if (type === 'string') {
    if (width !== 1) throw unsupported(`takes ${width} texts at once as ${name}: one is supported`)
    return [{ name, type: 'categorical', required: true }]
  }
  const datatype = DATATYPE[type]
  if (shape.length > 1 && width !== 1) {
    if (datatype === undefined) throw unsupported(`takes a tensor of ${type} as ${name}`)
    return [{ name, type: 'tensor', shape, datatype, required: true }]
  }
  if (width === 1 && (count > 1 || shape.length === 0)) return [{ name, type: 'numeric', required: true }]
  return Array.from({ length: width }, (_, i) => ({
    name: count === 1 ? `f${i}` : `${name}_${i}`,
    type: 'numeric' as const,
    required: true,
  }))
}

/** What of a batch goes into one input: rows `from` to `to`, then empty ones up to `padded` rows. */
export interface Slice {
  readonly from: number
  readonly to: number
  readonly padded: number
}

/**
 * The tensor of one input. Floats that are missing are NaN, which a graph may know what to do with; rows that lack a
 * text or a whole number are told to `lacks`.
 */
export function feed(
  input: OnnxInput,
  columns: readonly ModelColumn[],
  { from, to, padded }: Slice,
  lacks: (row: number) => void,
): OnnxTensor {
  const { type, shape } = input
  const dims = [padded, ...shape]
  const [first] = columns
  if (type === 'string') return { type, dims, data: texts(first, { from, to, padded }, lacks) }
  const width = shape.reduce((product, each) => product * each, 1)
  const data = made(type, width * padded)
  const isFloat = data instanceof Float32Array || data instanceof Float64Array
  const write = (at: number, value: number, row: number) => {
    if (!isFloat && !Number.isSafeInteger(value)) lacks(row)
    else if (data instanceof BigInt64Array) data[at] = BigInt(value)
    else data[at] = value
  }
  if (first?.type === 'tensor') {
    for (let i = from * width; i < to * width; i++)
      write(i - from * width, Number(first.data[i]), Math.floor(i / width))
    return { type, dims, data }
  }
  columns.forEach((column, k) => {
    if (column.type !== 'float64') throw new TypeError(`a column of type ${column.type} for a numeric input`)
    for (let row = from; row < to; row++) {
      write((row - from) * width + k, column.present[row] === 1 ? column.values[row]! : NaN, row)
    }
  })
  return { type, dims, data }
}

function made(type: NumericType, length: number): Exclude<OnnxData, readonly string[]> {
  if (type === 'float32') return new Float32Array(length)
  if (type === 'float64') return new Float64Array(length)
  if (type === 'int64') return new BigInt64Array(length)
  return type === 'int32' ? new Int32Array(length) : new Uint8Array(length)
}

function texts(
  column: ModelColumn | undefined,
  { from, to, padded }: Slice,
  lacks: (row: number) => void,
): string[] {
  const found = new Array<string>(padded).fill('')
  for (let row = from; row < to; row++) {
    let value: string | null | undefined
    if (column?.type === 'string') value = column.values[row]
    else if (column?.type === 'category') value = column.domain[column.levels[row]!]
    if (value == null) lacks(row)
    else found[row - from] = value
  }
  return found
}
