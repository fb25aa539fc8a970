import { ModelError } from '../../../api/errors.ts'
import type { Activation } from '../../manifest/manifest.ts'
import { ELEMENT, encodeValue } from '../../engines/onnx-graph.ts'
import { bytesField, readFields, textField, type WireField } from '../../engines/protobuf.ts'

/** What the bytes of an ONNX file say besides what onnxruntime tells. */
export interface OnnxFile {
  /** The file without ZipMap nodes, whose maps onnxruntime does not hand out in Node: their numbers are outputs instead. */
  readonly bytes: Buffer
  /** The classes that a ZipMap names, or what computes a label of the outputs; null where none does. */
  readonly labels: readonly string[] | null
  /** Outputs that are the place of the largest number, or of the smallest: a label as a number from 0. */
  readonly places: ReadonlyMap<string, 'place'>
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
/** What gives its input on as it is. */
const COPIES = ['Identity', 'Cast', 'Reshape', 'Squeeze', 'Unsqueeze', 'Flatten']
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
  const labels = classesOf(graph.bytes, nodes)
  const content = withoutZipMaps(graph.bytes, nodes)
  return {
    bytes: Buffer.concat(fields.map((each) => (each === graph ? bytesField(7, content) : each.whole))),
    labels: labels.find((each) => each.length > 0) ?? null,
    activations: following(nodes, { Softmax: 'softmax', Sigmoid: 'sigmoid' }),
    places: following(nodes, { ArgMax: 'place', ArgMin: 'place' }),
    version: String(fields.find(({ field }) => field === 1)?.value ?? 0),
    producer: fields.find(({ field }) => field === 2)?.bytes.toString() ?? '',
    operators: nodes.length,
  }
}

/** Values that some operators compute, however they are renamed and shaped after it; nodes stand in the order they run. */
function following<T>(
  nodes: readonly Node[],
  operators: Readonly<Record<string, T>>,
): ReadonlyMap<string, T> {
  const found = new Map<string, T>()
  for (const { op, inputs, outputs } of nodes) {
    const computed = COPIES.includes(op) ? found.get(inputs[0] ?? '') : operators[op]
    if (computed !== undefined) for (const output of outputs) found.set(output, computed)
  }
  return found
}

/**
 * The lists of classes that outputs are of, a ZipMap's first: a classifier's own, or the list that the label is taken
 * from. Classifiers inside an ensemble have others, which no output is of. GraphProto: initializer 5, output 12.
 */
function classesOf(graph: Buffer, nodes: readonly Node[]): readonly (readonly string[])[] {
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)))
  const fields = readFields(graph)
  const maker = (name: string): Node | string => {
    let at = name
    // As many steps as there are nodes: a graph that runs has no circles, but this one may be damaged.
    for (let node = makers.get(at), i = 0; node !== undefined; node = makers.get(at), i++) {
      if (!COPIES.includes(node.op) || i > nodes.length) return node
      at = node.inputs[0] ?? ''
    }
    return at
  }
  const classes = (name: string): readonly string[] => {
    const node = maker(name)
    if (typeof node === 'string') {
      const tensor = fields.find(({ field, bytes }) => field === 5 && nameOf(bytes, 8) === node)
      return tensor === undefined ? [] : valuesOf(tensor.bytes)
    }
    if (CLASSIFIERS.includes(node.op)) return labelsOf(node)
    if (node.op === 'LabelEncoder') return encodedPlaces(node)
    return ['ArrayFeatureExtractor', 'Gather'].includes(node.op) ? classes(node.inputs[0] ?? '') : []
  }
  const outputs = fields.filter(({ field }) => field === 12).map(({ bytes }) => nameOf(bytes, 1))
  const zipped = nodes.filter(
    ({ op, outputs: own }) => op === 'ZipMap' && own.some((name) => outputs.includes(name)),
  )
  return [...zipped.map(labelsOf), ...outputs.map(classes)]
}

function nameOf(message: Buffer, field: number): string {
  return (
    readFields(message)
      .find((each) => each.field === field)
      ?.bytes.toString() ?? ''
  )
}

/** The texts or whole numbers of a TensorProto: data_type 2, int32_data 5, string_data 6, int64_data 7, raw_data 9. */
function valuesOf(tensor: Buffer): readonly string[] {
  const fields = readFields(tensor)
  const all = (field: number) => fields.filter((each) => each.field === field)
  const type = Number(all(2)[0]?.value ?? 0n)
  if (type === ELEMENT.BYTES) return all(6).map(({ bytes }) => bytes.toString())
  if (type !== ELEMENT.INT64 && type !== ELEMENT.INT32) return []
  const raw = all(9)[0]?.bytes
  if (raw === undefined) return all(type === ELEMENT.INT64 ? 7 : 5).flatMap(readIntegers)
  const size = type === ELEMENT.INT64 ? 8 : 4
  return Array.from({ length: Math.floor(raw.length / size) }, (_, i) =>
    String(size === 8 ? raw.readBigInt64LE(i * 8) : raw.readInt32LE(i * 4)),
  )
}

/** NodeProto: input 1, output 2, op_type 4, attribute 5. */
function readNode({ bytes, whole }: WireField): Node {
  const fields = readFields(bytes)
  const texts = (field: number) =>
    fields.filter((each) => each.field === field).map((each) => each.bytes.toString())
  const attributes = fields.filter(({ field }) => field === 5)
  return { op: texts(4)[0] ?? '', inputs: texts(1), outputs: texts(2), attributes, whole }
}

/** A list of texts or whole numbers, whichever is there. AttributeProto: name 1, ints 8 (packed or not), strings 9. */
function listOf({ attributes }: Node, prefix: string): readonly string[] {
  for (const attribute of attributes) {
    if (!nameOf(attribute.bytes, 1).startsWith(prefix)) continue
    const fields = readFields(attribute.bytes)
    const texts = fields.filter(({ field }) => field === 9).map(({ bytes }) => bytes.toString())
    const numbers = fields.filter(({ field }) => field === 8).flatMap(readIntegers)
    if (texts.length + numbers.length > 0) return [...texts, ...numbers]
  }
  return []
}

function labelsOf(node: Node): readonly string[] {
  return listOf(node, 'classlabels_')
}

/** The values of an encoder of places, 0 1 2 …, in their order; none where it encodes something else. */
function encodedPlaces(node: Node): readonly string[] {
  const keys = listOf(node, 'keys_int64s')
  const values = listOf(node, 'values_')
  return keys.length === values.length && keys.every((key, i) => key === String(i)) ? values : []
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
    const name = nameOf(bytes, 1)
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
