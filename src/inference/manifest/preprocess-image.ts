import type { ModelColumn, TensorColumn } from '../../api/batch.ts'
import type { ModelInput } from '../../api/models.ts'
import type { LoadedModel } from '../loaded-model.ts'
import type { EncodedImage } from './manifest-preprocess.ts'

/** The shape of a picture in the order of the network; undefined where the manifest leaves the size to the file. */
export function imageShape({ layout, size }: EncodedImage): readonly number[] | undefined {
  const [height, width] = size ?? []
  if (height === undefined || width === undefined) return undefined
  return layout === 'NCHW' ? [3, height, width] : [height, width, 3]
}

/** Why a picture cannot be the input of a model; undefined where it can. */
export function imageMisfit(image: EncodedImage, inputs: readonly ModelInput[]): string | undefined {
  const [input] = inputs
  const { layout, scale, mean, std } = image
  const shape = input?.shape ?? []
  const has = inputs.map(
    ({ datatype = 'numbers', name, shape: of = [] }) => `${name} ${datatype}[-1,${of.join(',')}]`,
  )
  const said = imageShape(image)
  const isImage = inputs.length === 1 && input?.type === 'tensor' && shape.length === 3
  const fits =
    isImage && shape[layout === 'NCHW' ? 0 : 2] === 3 && (said === undefined || said.join() === shape.join())
  if (!fits) {
    const what = said === undefined ? `a picture in the layout ${layout}` : `[-1,${said.join(',')}]`
    return `preprocess.image: says ${what}, but the model takes ${has.join(', ')}`
  }
  if (input.datatype === 'FP32' || input.datatype === 'FP64') return undefined
  if (input.datatype === 'UINT8' && [scale, mean, std].every((each) => each === undefined)) return undefined
  return `preprocess.image: scale, mean and std give fractions, but the model takes ${has.join(', ')}`
}

/** The model with the bytes of pictures for its input: height × width × RGB. */
export function encodeImages(loaded: LoadedModel, image: EncodedImage): LoadedModel {
  const [input] = loaded.inputs
  if (input?.shape === undefined) return loaded
  const { shape } = input
  const [height = 0, width = 0] = image.layout === 'NCHW' ? shape.slice(1) : shape
  const pixels: ModelInput = {
    ...{ name: input.name, type: 'tensor', datatype: 'UINT8', shape: [height, width, 3], required: true },
    ...(image.crop === undefined ? {} : { crop: image.crop }),
  }
  const datatype = input.datatype === 'UINT8' || input.datatype === 'FP64' ? input.datatype : 'FP32'
  return {
    ...loaded,
    inputs: [pixels],
    score: (columns, length, decision) =>
      loaded.score(
        columns.map((column) => encode(column, image, { datatype, shape })),
        length,
        decision,
      ),
  }
}

function encode(
  column: ModelColumn,
  { channels, layout, mean = [0, 0, 0], scale = 1, std = [1, 1, 1] }: EncodedImage,
  { datatype, shape }: { datatype: 'UINT8' | 'FP32' | 'FP64'; shape: readonly number[] },
): TensorColumn {
  if (column.type !== 'tensor') throw new TypeError(`a column of type ${column.type} for a picture`)
  const { data: bytes } = column
  const count = bytes.length
  const data = { UINT8: Uint8Array, FP32: Float32Array, FP64: Float64Array }
  const encoded = new data[datatype](count)
  const area = shape.reduce((product, each) => product * each, 1) / 3
  // Where a colour of a pixel goes: planes one after the other, or colours side by side.
  const [perPixel, perColour] = layout === 'NCHW' ? [1, area] : [3, 1]
  for (let start = 0; start < count; start += area * 3) {
    for (let c = 0; c < 3; c++) {
      const from = channels === 'BGR' ? 2 - c : c
      const [shift, divisor] = [mean[c]!, std[c]!]
      for (let pixel = 0; pixel < area; pixel++) {
        const value = Number(bytes[start + pixel * 3 + from]) * scale
        encoded[start + pixel * perPixel + c * perColour] = (value - shift) / divisor
      }
    }
  }
  return { type: 'tensor', datatype, shape, data: encoded }
}
