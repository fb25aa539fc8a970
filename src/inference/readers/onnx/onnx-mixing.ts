import type { OnnxSession, OnnxTensor } from '../../engines/onnx-session.ts'
import { feed, type OnnxInput } from './onnx-inputs.ts'

/** Sums in another order, as larger batches have them, differ by far less; rows that mix by far more. */
const TOLERANCE = 1e-3

/**
 * What a row's numbers depend on: on itself; on the rows `beside` it (a Softmax over the batch, a BatchNormalization in
 * training mode); or on nothing that is known, so that they are others each `time` (noise, a Dropout in training mode).
 */
export type RowsDepend = 'themselves' | 'beside' | 'time'

/**
 * Runs `rows` rows twice, then some of them alone, or among others where the graph insists on a number of rows. A graph that
 * takes none of the numbers it is given counts as one whose rows depend on themselves.
 */
export async function howRowsDepend(
  session: OnnxSession,
  inputs: readonly OnnxInput[],
  { outputs, rows }: { readonly outputs: readonly string[]; readonly rows: number },
): Promise<RowsDepend> {
  const batch = inputs[0]?.batch ?? 1
  const run = (from: number, to: number, scale: number) =>
    session.run(trial(inputs, { from, to }, scale), outputs)
  for (const scale of [1, 0.25]) {
    try {
      const together = await run(0, rows, scale)
      const again = await run(0, rows, scale)
      if (again.some((tensor, i) => differs(tensor, together[i], { row: 0, rows: 1 }))) return 'time'
      if (rows === 1) continue
      for (const row of [0, rows - 1]) {
        // In a batch of a fixed size the row comes first, before rows that it was not beside.
        const apart = await run(row, row + batch, scale)
        if (apart.some((tensor, i) => differs(tensor, together[i], { row, rows: batch }))) return 'beside'
      }
    } catch {
      continue // a graph may refuse numbers that it was not made for
    }
  }
  return 'themselves'
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
        const row = from + Math.floor(i / size)
        // Whatever the width is, no row is like its neighbours: rows that are alike do not show that they mix.
        const bit = ((i % size) + row) % 2
        if (isFloat) data[i] = ((((i + from * size) * 7 + row * row * 3) % 11) - 4) * scale
        else if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[i] = BigInt(bit)
        else if (ArrayBuffer.isView(data)) (data as Int32Array)[i] = bit
      }
      return [input.name, tensor]
    }),
  )
}

/** Whether the first of `rows` rows is another than the one that was among others. */
function differs(
  { data: alone }: OnnxTensor,
  together: OnnxTensor | undefined,
  { row, rows }: { readonly row: number; readonly rows: number },
): boolean {
  const size = alone.length / rows
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
