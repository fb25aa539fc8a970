import type { OnnxSession, OnnxTensor } from '../engines/onnx-session.ts'
import { feed, type OnnxInput } from './onnx-inputs.ts'

const ROWS = 5
/** Sums in another order, as larger batches have them, differ by far less; rows that mix by far more. */
const TOLERANCE = 1e-3

/**
 * Whether what a graph gives for a row depends on the rows beside it (a Softmax over the batch, a BatchNormalization in
 * training mode): a row is scored alone and among others. False where the graph takes none of these numbers.
 */
export async function mixesRows(
  session: OnnxSession,
  inputs: readonly OnnxInput[],
  outputs: readonly string[],
): Promise<boolean> {
  const scale = [1, 0.25]
  for (const each of scale) {
    try {
      const together = await session.run(trial(inputs, { from: 0, to: ROWS }, each), outputs)
      for (const row of [0, ROWS - 1]) {
        const alone = await session.run(trial(inputs, { from: row, to: row + 1 }, each), outputs)
        if (alone.some((tensor, i) => differs(tensor, together[i], row))) return true
      }
    } catch {
      continue // a graph may refuse numbers that it was not made for
    }
  }
  return false
}

function trial(
  inputs: readonly OnnxInput[],
  { from, to }: { readonly from: number; readonly to: number },
  scale: number,
): Record<string, OnnxTensor> {
  const slice = { from: 0, to: 0, padded: to - from }
  return Object.fromEntries(
    inputs.map((input) => {
      const tensor = feed(input, [], slice, () => undefined)
      const { data } = tensor
      const size = data.length / (to - from)
      const isFloat = data instanceof Float32Array || data instanceof Float64Array
      for (let i = 0; i < data.length; i++) {
        const at = i + from * size
        if (isFloat) data[i] = (((at * 7) % 11) - 4) * scale
        else if (data instanceof BigInt64Array || data instanceof BigUint64Array)
          data[i] = BigInt((at + Math.floor(at / size)) % 2)
        else if (ArrayBuffer.isView(data)) (data as Int32Array)[i] = (at + Math.floor(at / size)) % 2
      }
      return [input.name, tensor]
    }),
  )
}

function differs({ data: alone }: OnnxTensor, together: OnnxTensor | undefined, row: number): boolean {
  const size = alone.length
  for (let k = 0; k < size; k++) {
    const [one, other] = [alone[k], together?.data[row * size + k]]
    if (typeof one === 'string') {
      if (one !== other) return true
      continue
    }
    const [a, b] = [Number(one), Number(other)]
    if (Object.is(a, b)) continue
    if (!(Math.abs(a - b) <= TOLERANCE * Math.max(Math.abs(a), 1e-2))) return true
  }
  return false
}
