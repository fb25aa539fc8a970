import sharp from 'sharp'
import type { Model, Models } from '../../src/index.ts'

/** A model that sees only how red a picture is: its labels are tested without a network. */
export function redness(changes: Partial<Model> = {}): Models & { readonly calls: number[] } {
  const calls: number[] = []
  const model: Model = {
    name: 'redness',
    version: '1',
    format: 'test',
    algorithm: 'test',
    task: 'classification',
    labels: ['red', 'dark', 'other'],
    outputs: ['red', 'dark', 'other'],
    inputs: [{ name: 'image', type: 'tensor', datatype: 'UINT8', shape: [8, 8, 3], required: true }],
    score([column], length) {
      if (column?.type !== 'tensor') throw new Error('a tensor is expected')
      calls.push(length)
      const red = Float64Array.from({ length }, (_, row) => Number(column.data[row * 8 * 8 * 3]) / 255)
      const columns = [red, red.map((p) => (1 - p) * 0.75), red.map((p) => (1 - p) * 0.25)]
      const outputs = columns.map((values) => ({
        type: 'float64' as const,
        values,
        present: new Uint8Array(length).fill(1),
      }))
      return { prediction: outputs[0]!, outputs }
    },
    ...changes,
  }
  return { calls, load: async () => Promise.resolve(model) }
}

export async function plain(red: number): Promise<Buffer> {
  return sharp({ create: { width: 20, height: 20, channels: 3, background: { r: red, g: 0, b: 0 } } })
    .png()
    .toBuffer()
}
