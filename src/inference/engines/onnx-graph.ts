import { bytesField, floatField, integerField, textField } from './protobuf.ts'

/** Element types by their number in TensorProto.DataType. */
export const ELEMENT = { FP32: 1, UINT8: 2, INT32: 6, INT64: 7, BYTES: 8, FP64: 11, UINT64: 13 } as const
export type ElementType = keyof typeof ELEMENT

export interface GraphTensor {
  readonly name: string
  readonly dims: readonly number[]
  readonly data: Float32Array | Float64Array | BigInt64Array
}

/** Whole numbers in an `ints` list are integers; a single number must say which it is. */
export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly text: string }
  | { readonly ints: readonly number[] }
  | { readonly texts: readonly string[] }
  | { readonly floats: readonly number[] }

export interface GraphNode {
  readonly op: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes?: Readonly<Record<string, Attribute>>
  /** E.g. `ai.onnx.ml`. */
  readonly domain?: string
}

export interface GraphValue {
  readonly name: string
  readonly type: ElementType
  /** A text is the name of a size that is not fixed. */
  readonly shape: readonly (number | string)[]
}

export interface Graph {
  readonly inputs: readonly GraphValue[]
  readonly outputs: readonly GraphValue[]
  readonly nodes: readonly GraphNode[]
  readonly tensors: readonly GraphTensor[]
}

const OPSET = 17
const ML_OPSET = 3
const IR_VERSION = 8

/** A graph as the bytes of an ONNX file (onnx.proto3: ModelProto, IR 8, opset 17). */
export function encodeGraph(graph: Graph): Buffer {
  const content = Buffer.concat([
    ...graph.nodes.map((node) => bytesField(1, encodeNode(node))),
    textField(2, 'sluice'),
    ...graph.tensors.map((tensor) => bytesField(5, encodeTensor(tensor))),
    ...graph.inputs.map((value) => bytesField(11, encodeValue(value))),
    ...graph.outputs.map((value) => bytesField(12, encodeValue(value))),
  ])
  const usesMl = graph.nodes.some(({ domain }) => domain === 'ai.onnx.ml')
  const opset = (domain: string, version: number) =>
    bytesField(8, Buffer.concat([textField(1, domain), integerField(2, version)]))
  return Buffer.concat([
    integerField(1, IR_VERSION),
    textField(2, 'sluice'),
    bytesField(7, content),
    opset('', OPSET),
    ...(usesMl ? [opset('ai.onnx.ml', ML_OPSET)] : []),
  ])
}

function encodeNode({ op, inputs, outputs, attributes = {}, domain }: GraphNode): Buffer {
  return Buffer.concat([
    ...inputs.map((name) => textField(1, name)),
    ...outputs.map((name) => textField(2, name)),
    textField(4, op),
    ...Object.entries(attributes).map(([name, value]) => bytesField(5, encodeAttribute(name, value))),
    ...(domain === undefined ? [] : [textField(7, domain)]),
  ])
}

/** AttributeProto: name 1, f 2, i 3, s 4, floats 7, ints 8, strings 9, type 20. */
function encodeAttribute(name: string, value: Attribute): Buffer {
  const [type, ...content] = encodeContent(value)
  return Buffer.concat([textField(1, name), ...content, integerField(20, type)])
}

function encodeContent(value: Attribute): [number, ...Buffer[]] {
  if ('float' in value) return [1, floatField(2, value.float)]
  if ('int' in value) return [2, integerField(3, value.int)]
  if ('text' in value) return [3, textField(4, value.text)]
  if ('floats' in value) return [6, ...value.floats.map((each) => floatField(7, each))]
  if ('ints' in value) return [7, ...value.ints.map((each) => integerField(8, each))]
  return [8, ...value.texts.map((each) => textField(9, each))]
}

/** TensorProto: dims 1, data_type 2, name 8, raw_data 9 (little-endian). */
function encodeTensor({ name, dims, data }: GraphTensor): Buffer {
  const type = data instanceof Float32Array ? 'FP32' : data instanceof Float64Array ? 'FP64' : 'INT64'
  return Buffer.concat([
    ...dims.map((size) => integerField(1, size)),
    integerField(2, ELEMENT[type]),
    textField(8, name),
    bytesField(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  ])
}

/** ValueInfoProto: name 1, type 2 { tensor_type 1 { elem_type 1, shape 2 { dim 1 { dim_value 1, dim_param 2 } } } }. */
export function encodeValue({ name, type, shape }: GraphValue): Buffer {
  const sizes = shape.map((size) =>
    bytesField(1, typeof size === 'number' ? integerField(1, size) : textField(2, size)),
  )
  const tensor = Buffer.concat([integerField(1, ELEMENT[type]), bytesField(2, Buffer.concat(sizes))])
  return Buffer.concat([textField(1, name), bytesField(2, bytesField(1, tensor))])
}
