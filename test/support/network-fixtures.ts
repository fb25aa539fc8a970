import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { LoadedModel } from '../../src/inference/loaded-model.ts'
import { ModelError } from '../../src/api/errors.ts'
import { toColumn } from '../../src/inference/probe.ts'
import { readOnnx } from '../../src/inference/readers/onnx/onnx.ts'

/** Networks with their own engines' outputs; made by the script in each folder. */
export const NETWORKS = path.resolve(import.meta.dirname, '../fixtures/networks')

export type Rows = readonly (readonly number[])[]

/** Scores rows of numbers: each is one row of all columns, in the model's order. */
export async function scoreRows(model: LoadedModel, rows: Rows): Promise<Rows> {
  const [first] = model.inputs
  const size = first?.shape?.reduce((product, each) => product * each, 1)
  const columns =
    first?.type === 'tensor'
      ? [
          {
            type: 'tensor' as const,
            datatype: 'FP32' as const,
            shape: first.shape ?? [],
            data: Float32Array.from(rows.flatMap((row) => row.slice(0, size))),
          },
        ]
      : model.inputs.map((_, k) => ({
          type: 'float64' as const,
          values: Float64Array.from(rows, (row) => row[k] ?? NaN),
          present: Uint8Array.from(rows, (row) => Number(row[k] !== undefined)),
        }))
  const { prediction, outputs } = await model.score(columns, rows.length, model.decision)
  const all = outputs.length > 0 ? outputs : prediction.type === 'float64' ? [prediction] : []
  return rows.map((_, row) => all.map(({ values }) => values[row]!))
}

/** The labels that an ONNX model of the fixtures gives. */
export async function onnxLabels(name: string, rows: Rows): Promise<readonly (string | undefined)[]> {
  const model = await readOnnx(readFileSync(path.join(NETWORKS, 'onnx', `${name}.onnx`)), null)
  const columns = model.inputs.map((each, k) => {
    const cells = rows.map((row) => row[k])
    return toColumn(each, cells)
  })
  const { prediction } = await model.score(columns, rows.length, null)
  return prediction.type === 'category' ? [...prediction.levels].map((level) => prediction.domain[level]) : []
}

/** The largest difference of any number, relative where that is above 1; infinite where the shapes differ or a number is none. */
export function largestDifference(found: Rows, expected: Rows): number {
  if (found.length !== expected.length) return Infinity
  let largest = 0
  expected.forEach((row, r) => {
    if (found[r]?.length !== row.length) largest = Infinity
    row.forEach((value, c) => {
      const difference = Math.abs((found[r]?.[c] ?? NaN) - value) / Math.max(1, Math.abs(value))
      largest = Number.isNaN(difference) ? Infinity : Math.max(largest, difference)
    })
  })
  return largest
}

/** A CSV file of numbers: all rows but the header. */
export function readNumbers(file: string): Rows {
  const [, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n')
  return lines.map((line) => line.split(',').map(Number))
}

/** What a reader refuses a file with. */
export async function refusalOf(read: () => unknown): Promise<ModelError> {
  try {
    await read()
  } catch (error) {
    if (error instanceof ModelError) return error
    throw error
  }
  throw new Error('the model was read')
}
