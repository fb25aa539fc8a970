import { ModelError } from '../../api/errors.ts'
import type { Activation } from '../manifest.ts'
import { encodeValue } from '../engines/onnx-graph.ts'
import { bytesField, readFields, textField, type WireField } from '../engines/protobuf.ts'

/** What the bytes of an ONNX file say besides what onnxruntime tells. */
export interface OnnxFile {
  /** The file without ZipMap nodes, whose maps onnxruntime does not hand out in Node: their numbers are outputs instead. */
  readonly bytes: Buffer
  /** The classes that a ZipMap or a classifier names; null where none does. */
  readonly labels: readonly string[] | null
  /** Outputs that a Softmax or a Sigmoid computes. */
  readonly activations: ReadonlyMap<string, Activation>
  readonly version: string
  readonly producer: string
  readonly operators: number
}

interface Node {
  readonly op: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: readonly WireField[]
  readonly whole: Buffer
}

const CLASSIFIERS = ['ZipMap', 'TreeEnsembleClassifier', 'LinearClassifier', 'SVMClassifier']
const DEEPEST = 50

/** Looks into an ONNX file (onnx.proto3: ModelProto). Refuses external data; `model.corrupt` where it is none. */
export function readOnnxFile(bytes: Buffer): OnnxFile {
  try {
    return readModel(bytes)
  } catch (error) {
    if (error instanceof ModelError) throw error
    throw new ModelError('model.corrupt', 'The file is damaged or no ONNX model. Export it again.', {
      cause: error,
    })
  }
}

/** ModelProto: ir_version 1, producer_name 2, graph 7, functions 25. */
function readModel(bytes: Buffer): OnnxFile {
  const fields = readFields(bytes)
  const graph = fields.find(({ field }) => field === 7)
  if (graph === undefined) throw new RangeError('no graph')
  for (const { field, bytes: content } of fields) {
    if (field === 25)
      for (const each of readFields(content)) if (each.field === 7) refuseExternal(each.bytes, 'node', 0)
  }
  refuseExternal(graph.bytes, 'graph', 0)
  const nodes = readFields(graph.bytes)
    .filter(({ field }) => field === 1)
    .map(readNode)
  const labels = CLASSIFIERS.flatMap((op) => nodes.filter((node) => node.op === op).map(labelsOf))
  const content = withoutZipMaps(graph.bytes, nodes)
  return {
    bytes: Buffer.concat(fields.map((each) => (each === graph ? bytesField(7, content) : each.whole))),
    labels: labels.find((each) => each.length > 0) ?? null,
    activations: activations(nodes),
    version: String(fields.find(({ field }) => field === 1)?.value ?? 0),
    producer: fields.find(({ field }) => field === 2)?.bytes.toString() ?? '',
    operators: nodes.length,
  }
}

const ACTIVATIONS: Readonly<Record<string, Activation>> = { Softmax: 'softmax', Sigmoid: 'sigmoid' }
const COPIES = ['Identity', 'Cast', 'Reshape', 'Squeeze', 'Flatten']

/** Values that these compute, however they are renamed and shaped after it; nodes stand in the order they run. */
function activations(nodes: readonly Node[]): ReadonlyMap<string, Activation> {
  const found = new Map<string, Activation>()
  for (const { op, inputs, outputs } of nodes) {
    const activation = COPIES.includes(op) ? found.get(inputs[0] ?? '') : ACTIVATIONS[op]
    if (activation !== undefined) for (const output of outputs) found.set(output, activation)
  }
  return found
}

/** NodeProto: input 1, output 2, op_type 4, attribute 5. */
function readNode({ bytes, whole }: WireField): Node {
  const fields = readFields(bytes)
  const texts = (field: number) =>
    fields.filter((each) => each.field === field).map((each) => each.bytes.toString())
  const attributes = fields.filter(({ field }) => field === 5)
  return { op: texts(4)[0] ?? '', inputs: texts(1), outputs: texts(2), attributes, whole }
}

/** AttributeProto: name 1, ints 8 (packed or not), strings 9. */
function labelsOf({ attributes }: Node): readonly string[] {
  for (const attribute of attributes) {
    const fields = readFields(attribute.bytes)
    const name = fields.find(({ field }) => field === 1)?.bytes.toString() ?? ''
    if (!name.startsWith('classlabels_')) continue
    const texts = fields.filter(({ field }) => field === 9).map(({ bytes }) => bytes.toString())
    const numbers = fields.filter(({ field }) => field === 8).flatMap(readIntegers)
    if (texts.length + numbers.length > 0) return [...texts, ...numbers]
  }
  return []
}

/** A packed list is a row of varints, which are read as fields' values would be: each with a made-up tag. */
function readIntegers({ bytes, value }: WireField): readonly string[] {
  if (bytes.length === 0) return [String(BigInt.asIntN(64, value))]
  const numbers: string[] = []
  let start = 0
  bytes.forEach((byte, at) => {
    if (byte >= 0x80) return
    const [field] = readFields(Buffer.concat([Buffer.of(8), bytes.subarray(start, at + 1)]))
    numbers.push(String(BigInt.asIntN(64, field?.value ?? 0n)))
    start = at + 1
  })
  return numbers
}

/** GraphProto: node 1, output 12. An Identity takes the place of each ZipMap, and its output becomes a tensor. */
function withoutZipMaps(graph: Buffer, nodes: readonly Node[]): Buffer {
  const maps = nodes.filter(({ op }) => op === 'ZipMap')
  if (maps.length === 0) return graph
  const parts = readFields(graph).map(({ field, bytes, whole }) => {
    if (field === 1) {
      const map = maps.find((node) => node.whole.equals(whole))
      return map === undefined ? whole : bytesField(1, identity(map))
    }
    if (field !== 12) return whole
    const name =
      readFields(bytes)
        .find((each) => each.field === 1)
        ?.bytes.toString() ?? ''
    const map = maps.find(({ outputs }) => outputs[0] === name)
    if (map === undefined) return whole
    return bytesField(12, encodeValue({ name, type: 'FP32', shape: ['rows', labelsOf(map).length] }))
  })
  return Buffer.concat(parts)
}

function identity({ inputs, outputs }: Node): Buffer {
  return Buffer.concat([
    textField(1, inputs[0] ?? ''),
    textField(2, outputs[0] ?? ''),
    textField(4, 'Identity'),
  ])
}

/** Where tensors may lie: what each field of a message holds. */
const HOLDS: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
}

/** TensorProto: external_data 13, data_location 14 (1 = external). A model must be one file. */
function refuseExternal(bytes: Buffer, kind: string, depth: number): void {
  if (depth > DEEPEST) throw new RangeError('graphs inside graphs without end')
  for (const { field, bytes: content, value } of readFields(bytes)) {
    if (kind === 'tensor') {
      if (field !== 13 && (field !== 14 || value !== 1n)) continue
      throw new ModelError(
        'model.unsupported',
        'The ONNX model keeps weights in another file (external data), which is not read. Save it as one file: onnx.save(model, path, save_as_external_data=False).',
      )
    }
    const inner = HOLDS[kind]?.[field]
    if (inner !== undefined) refuseExternal(content, inner, depth + 1)
  }
}
