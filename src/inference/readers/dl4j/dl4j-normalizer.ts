import { ModelError } from '../../../api/errors.ts'
import type { GraphWriter } from '../../engines/activations.ts'
import { JavaStream } from '../java-stream.ts'
import { readVector } from './nd4j-array.ts'

type Numbers = Float32Array | Float64Array

/** One side (features or labels) of a normalizer: (x − shift) / divisor · scale + base. */
interface Affine {
  readonly shift: Numbers
  readonly divisor: Numbers
  readonly scale: number
  readonly base: number
}

export interface Dl4jNormalizer {
  readonly kind: 'standardize' | 'min-max'
  readonly features: Affine
  /** Where the normalizer was fitted to the labels too: the network's outputs must be turned back. */
  readonly labels: Affine | null
}

/** Reads normalizer.bin (NormalizerSerializer of ND4J 0.9 and later). */
export function readNormalizer(bytes: Buffer): Dl4jNormalizer {
  const stream = new JavaStream(bytes, 'normalizer.bin')
  if (stream.text() !== 'NORMALIZER') throw stream.corrupt('is no normalizer')
  const version = stream.int()
  if (version !== 1) throw unsupported(`of version ${version}`)
  const type = stream.text()
  if (type !== 'STANDARDIZE' && type !== 'MIN_MAX') throw unsupported(type)
  const fitsLabels = stream.boolean()
  const isStandard = type === 'STANDARDIZE'
  const low = isStandard ? 0 : stream.double()
  const high = isStandard ? 1 : stream.double()
  const side = () => (isStandard ? standardize(stream) : minMax(stream, low, high))
  const features = side()
  const labels = fitsLabels ? side() : null
  if (!stream.isAtEnd) throw stream.corrupt('is longer than its normalizer')
  return { kind: isStandard ? 'standardize' : 'min-max', features, labels }
}

function unsupported(what: string): ModelError {
  return new ModelError(
    'model.unsupported',
    `The normalizer ${what} is not supported; STANDARDIZE and MIN_MAX of version 1 are. Save the model with one of them.`,
  )
}

/** A deviation below 1e-5 counts as 1 (StandardizeStrategy.filteredStd with ND4J's comparison to 0). */
function standardize(stream: JavaStream): Affine {
  const shift = readVector(stream).values
  const divisor = readVector(stream).values.map((each) => (each < 1e-5 ? 1 : each))
  return checked(stream, { shift, divisor, scale: 1, base: 0 })
}

function minMax(stream: JavaStream, low: number, high: number): Affine {
  const shift = readVector(stream).values
  const upper = readVector(stream).values
  const divisor = upper.map((each, i) => each - shift[i]!)
  return checked(stream, { shift, divisor, scale: high - low, base: low })
}

function checked(stream: JavaStream, affine: Affine): Affine {
  if (affine.shift.length !== affine.divisor.length) throw stream.corrupt('has statistics of two lengths')
  return affine
}

/** Writes the features' side in front of a network; `width` is what the network takes. */
export function normalize(graph: GraphWriter, x: string, affine: Affine, width: number): string {
  checkWidth(affine, width, 'features')
  const { shift, divisor, scale, base } = affine
  const moved = graph.node('Sub', [x, graph.numbers([width], shift)])
  const scaled = graph.node('Div', [moved, graph.numbers([width], divisor)])
  if (scale === 1 && base === 0) return scaled
  return graph.node('Add', [graph.node('Mul', [scaled, graph.scalar(scale)]), graph.scalar(base)])
}

/** Turns the network's outputs back into the labels' own scale. */
export function denormalize(graph: GraphWriter, y: string, affine: Affine, width: number): string {
  checkWidth(affine, width, 'labels')
  const { shift, divisor, scale, base } = affine
  const isPlain = scale === 1 && base === 0
  const unit = isPlain
    ? y
    : graph.node('Div', [graph.node('Sub', [y, graph.scalar(base)]), graph.scalar(scale)])
  const scaled = graph.node('Mul', [unit, graph.numbers([width], divisor)])
  return graph.node('Add', [scaled, graph.numbers([width], shift)])
}

function checkWidth({ shift }: Affine, width: number, what: string): void {
  if (shift.length === width) return
  const found = `"normalizer.bin" is for ${shift.length} ${what}, but the network has ${width}`
  throw new ModelError('model.corrupt', `${found}. Save both together.`)
}
