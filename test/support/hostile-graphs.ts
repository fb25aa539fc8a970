import { encodeGraph, type GraphNode, type GraphTensor } from '../../src/inference/engines/onnx-graph.ts'
import { bytesField, integerField, readFields, textField } from '../../src/inference/engines/protobuf.ts'

/** Numbers above it are poison to the graphs below. */
const LIMIT = 1000
export const POISON = 6666

/** Where `x` holds a number above the limit, `number` is `poisoned`, else 2. */
function chooses(number: string, poisoned: bigint, dims: readonly number[]): [GraphNode[], GraphTensor[]] {
  const nodes = [
    { op: 'ReduceMax', inputs: ['x'], outputs: ['largest'], attributes: { keepdims: { int: 0 } } },
    { op: 'Greater', inputs: ['largest', 'limit'], outputs: ['is_poison'] },
    { op: 'Where', inputs: ['is_poison', 'poisoned', 'two'], outputs: [number] },
  ]
  const tensors = [
    { name: 'limit', dims: [], data: Float32Array.of(LIMIT) },
    { name: 'poisoned', dims, data: BigInt64Array.of(poisoned) },
    { name: 'two', dims, data: BigInt64Array.of(2n) },
  ]
  return [nodes, tensors]
}

const column = (name: string) => ({ name, type: 'FP32' as const, shape: ['n', 1] })

/** Gives x back, by an ONNX `Loop` that ends after two turns; where x is poison it does not end within years. */
export function loopingGraph(): Buffer {
  return withLoop(2n ** 62n)
}

/** Does not end for any x at all. */
export function stuckGraph(): Buffer {
  return withLoop(2n ** 62n, 2n ** 62n)
}

function withLoop(poisoned: bigint, otherwise?: bigint): Buffer {
  const scalar = (name: string, type: 'INT64' | 'UINT8') => ({ name, type, shape: [] })
  const body = encodeGraph({
    inputs: [scalar('turn', 'INT64'), scalar('go', 'UINT8'), column('a')],
    outputs: [scalar('go_on', 'UINT8'), column('b')],
    nodes: [
      { op: 'Identity', inputs: ['go'], outputs: ['go_on'] },
      { op: 'Neg', inputs: ['a'], outputs: ['b'] },
    ],
    tensors: [],
  })
  const [nodes, tensors] = chooses('turns', poisoned, [])
  const graph = encodeGraph({
    inputs: [column('x')],
    outputs: [column('y')],
    nodes,
    tensors: tensors.map((each) =>
      each.name === 'two' && otherwise !== undefined ? { ...each, data: BigInt64Array.of(otherwise) } : each,
    ),
  })
  // GraphProto: node 1. NodeProto: input 1, output 2, op_type 4, attribute 5. AttributeProto: name 1, g 6, type 20 (GRAPH = 5).
  const attribute = [textField(1, 'body'), bytesField(6, contentOf(body)), integerField(20, 5)]
  const inputs = ['turns', '', 'x'].map((name) => textField(1, name))
  const loop = [...inputs, textField(2, 'y'), textField(4, 'Loop'), bytesField(5, Buffer.concat(attribute))]
  const content = Buffer.concat([contentOf(graph), bytesField(1, Buffer.concat(loop))])
  return Buffer.concat(
    readFields(graph).map(({ field, whole }) => (field === 7 ? bytesField(7, content) : whole)),
  )
}

/** ModelProto: graph 7. */
function contentOf(model: Buffer): Buffer {
  return readFields(model).find(({ field }) => field === 7)?.bytes ?? Buffer.alloc(0)
}

/** Gives x back; where x is poison it asks for 256 TiB first. */
export function greedyGraph(): Buffer {
  const [nodes, tensors] = chooses('size', 2n ** 46n, [1])
  return encodeGraph({
    inputs: [column('x')],
    outputs: [column('y')],
    nodes: [
      ...nodes,
      { op: 'ConstantOfShape', inputs: ['size'], outputs: ['zeros'] },
      { op: 'ReduceMax', inputs: ['zeros'], outputs: ['zero'], attributes: { keepdims: { int: 0 } } },
      { op: 'Add', inputs: ['x', 'zero'], outputs: ['y'] },
    ],
    tensors,
  })
}
