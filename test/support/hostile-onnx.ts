import { encodeGraph } from '../../src/inference/engines/onnx-graph.ts'
import { bytesField, integerField, textField } from '../../src/inference/engines/protobuf.ts'

const [FLOAT, INT64, BOOL, GRAPH] = [1, 7, 9, 5]

function value(name: string, type: number, sizes: readonly number[]): Buffer {
  const shape = sizes.map((size) => bytesField(1, integerField(1, size)))
  const tensor = Buffer.concat([integerField(1, type), bytesField(2, Buffer.concat(shape))])
  return Buffer.concat([textField(1, name), bytesField(2, bytesField(1, tensor))])
}

function node(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  more: Buffer = Buffer.alloc(0),
): Buffer {
  return Buffer.concat([
    ...inputs.map((name) => textField(1, name)),
    ...outputs.map((name) => textField(2, name)),
    textField(4, op),
    more,
  ])
}

/** A graph that gives its input back after 2^62 rounds of a Loop. */
export function endlessOnnx(): Buffer {
  const rounds = Buffer.alloc(8)
  rounds.writeBigInt64LE(2n ** 62n)
  const body = Buffer.concat([
    bytesField(1, node('Identity', ['go'], ['goes'])),
    bytesField(1, node('Neg', ['y'], ['z'])),
    textField(2, 'body'),
    ...[value('round', INT64, []), value('go', BOOL, []), value('y', FLOAT, [1, 1])].map((each) =>
      bytesField(11, each),
    ),
    ...[value('goes', BOOL, []), value('z', FLOAT, [1, 1])].map((each) => bytesField(12, each)),
  ])
  const attribute = Buffer.concat([textField(1, 'body'), bytesField(6, body), integerField(20, GRAPH)])
  const graph = Buffer.concat([
    bytesField(1, node('Loop', ['rounds', '', 'x'], ['out'], bytesField(5, attribute))),
    textField(2, 'endless'),
    bytesField(5, Buffer.concat([integerField(2, INT64), textField(8, 'rounds'), bytesField(9, rounds)])),
    bytesField(11, value('x', FLOAT, [1, 1])),
    bytesField(12, value('out', FLOAT, [1, 1])),
  ])
  return Buffer.concat([integerField(1, 8), bytesField(7, graph), bytesField(8, integerField(2, 17))])
}

/** A graph that makes a tensor of so many bytes for its number. */
export function wideOnnx(bytes: number): Buffer {
  const value = { type: 'FP32', shape: [1, 1] } as const
  return encodeGraph({
    inputs: [{ name: 'x', ...value }],
    outputs: [{ name: 'out', ...value }],
    nodes: [
      { op: 'Expand', inputs: ['x', 'sizes'], outputs: ['wide'] },
      {
        op: 'ReduceMax',
        inputs: ['wide'],
        outputs: ['out'],
        attributes: { axes: { ints: [0, 1] }, keepdims: { int: 1 } },
      },
    ],
    tensors: [{ name: 'sizes', dims: [2], data: BigInt64Array.of(BigInt(bytes / 4096), 1024n) }],
  })
}
