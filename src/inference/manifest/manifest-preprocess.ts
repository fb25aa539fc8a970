import {
  array,
  choice,
  literal,
  number,
  object,
  oneOf,
  optional,
  type Shape,
  text,
} from './manifest-shape.ts'

/** How one field of a record becomes one number of a network's input. */
export interface EncodedField {
  readonly field: string
  /** Its place among the numbers of a row. */
  readonly index: number
  /** The field is a text, and its place here is the number. */
  readonly domain?: readonly string[]
  /** What a text is that is not in the domain: missing (the default), a record that fails, or this number. */
  readonly unseen?: 'missing' | 'error' | number
  /** The number in the place of a missing value; default NaN, which only some networks have an answer to. */
  readonly fill?: number
}

/** How a picture becomes the input of a network: (byte · scale − mean) / std for each of its three colours. */
export interface EncodedImage {
  readonly layout: 'NHWC' | 'NCHW'
  /** Height and width, where the model file leaves them open. */
  readonly size?: readonly number[]
  /** The share of a picture's shorter side that is cut out of its centre; default 0.875. */
  readonly crop?: number
  /** The order of the colours, those of `mean` and `std` included; default RGB. */
  readonly channels?: 'RGB' | 'BGR'
  readonly scale?: number
  readonly mean?: readonly number[]
  readonly std?: readonly number[]
}

/** How records become the numbers of a network whose file does not say it: fields by their names, or a picture. */
export interface Preprocess {
  /** Texts that are a missing category. */
  readonly missing?: readonly string[]
  readonly columns?: readonly EncodedField[]
  readonly image?: EncodedImage
}

const field = object({
  field: text,
  index: number,
  domain: optional(array(literal('string'))),
  unseen: optional(oneOf('"missing", "error" or a number', choice(['missing', 'error']), number)),
  fill: optional(number),
})

const image = object({
  layout: choice(['NHWC', 'NCHW']),
  size: optional(array(number)),
  crop: optional(number),
  channels: optional(choice(['RGB', 'BGR'])),
  scale: optional(number),
  mean: optional(array(number)),
  std: optional(array(number)),
})

export const PREPROCESS: Shape = object({
  missing: optional(array(literal('string'))),
  columns: optional(array(field)),
  image: optional(image),
})

/** What contradicts itself in a `preprocess` of the right shape. */
export function preprocessProblems({ missing, columns, image: picture }: Preprocess): string[] {
  const problems = [...columnProblems(columns ?? [], missing ?? []), ...imageProblems(picture)]
  if ((columns === undefined) === (picture === undefined))
    problems.push('preprocess: must say how `columns` or how an `image` is made, and not both')
  if (missing !== undefined && columns?.every(({ domain }) => domain === undefined) !== false)
    problems.push('preprocess.missing: is of no use where no column has a domain')
  return problems
}

function columnProblems(columns: readonly EncodedField[], missing: readonly string[]): string[] {
  const problems: string[] = []
  const places = columns.map(({ index }) => index).toSorted((a, b) => a - b)
  if (places.some((place, i) => place !== i))
    problems.push(
      `preprocess.columns: the indexes must be 0 to ${columns.length - 1}, each once, but are ${places.join(', ')}`,
    )
  if (new Set(columns.map((each) => each.field)).size !== columns.length)
    problems.push('preprocess.columns: names a field twice')
  columns.forEach(({ domain, field: name, unseen }) => {
    if (domain === undefined) {
      if (unseen !== undefined)
        problems.push(`preprocess.columns: ${name} has no domain, so that nothing in it is unseen`)
      return
    }
    if (domain.length === 0 || new Set(domain).size !== domain.length)
      problems.push(`preprocess.columns: the domain of ${name} must hold texts, each once`)
    const both = domain.filter((level) => missing.includes(level))
    if (both.length > 0)
      problems.push(
        `preprocess.columns: ${JSON.stringify(both[0])} is in the domain of ${name} and in missing`,
      )
  })
  return problems
}

function imageProblems(picture: EncodedImage | undefined): string[] {
  if (picture === undefined) return []
  const { size, crop = 1, scale = 1, mean = [0, 0, 0], std = [1, 1, 1] } = picture
  const problems: string[] = []
  const isSize = (each: number) => Number.isInteger(each) && each >= 1 && each <= 4096
  if (size !== undefined && (size.length !== 2 || !size.every(isSize)))
    problems.push('preprocess.image.size: must be a height and a width')
  if (!(crop > 0 && crop <= 1)) problems.push('preprocess.image.crop: must be above 0, and 1 at most')
  if (scale === 0) problems.push('preprocess.image.scale: must not be 0')
  if (mean.length !== 3) problems.push('preprocess.image.mean: must hold three numbers')
  if (std.length !== 3 || std.includes(0))
    problems.push('preprocess.image.std: must hold three numbers other than 0')
  return problems
}
