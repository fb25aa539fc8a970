import { messageOf, ModelError } from '../../api/errors.ts'
import {
  ANY_FLOAT,
  COLUMN_TYPES,
  type Manifest,
  type ManifestColumn,
  type ManifestTensor,
} from './manifest.ts'

/** The file in which MLflow says what a model folder holds. */
export const MLMODEL = 'MLmodel'
/** Of a signature with some thousand columns. */
export const MAX_MLMODEL_BYTES = 2 ** 18
/** MLflow nests four deep; the package takes time that is quadratic in the depth. */
const MAX_DEPTH = 100
const NESTED_LINE = new RegExp(`(?:[-?][ \\t]+){${MAX_DEPTH}}`)

/** What of an `MLmodel` file concerns us. */
export interface Mlmodel {
  /** By name, with their keys as they are: `onnx`, `keras`, `python_function`, … */
  readonly flavors: ReadonlyMap<string, Readonly<Record<string, unknown>>>
  readonly version: string
  /** The columns (`signature`) or tensors (`inputs`) that its signature names; empty where it has none. */
  readonly signature: Pick<Manifest, 'signature' | 'inputs'>
}

type Keys = Readonly<Record<string, unknown>>

/** Parses an `MLmodel` file (MLflow 1.0 to 3); throws `model.manifest`. `file` names it in messages. */
export async function parseMlmodel(text: string, file: string): Promise<Mlmodel> {
  const model = await readYaml(text, file)
  const flavors = isKeys(model) ? model['flavors'] : undefined
  if (!isKeys(model) || !isKeys(flavors))
    throw wrong(file, 'is not an MLmodel file of MLflow: it has no flavors')
  const { mlflow_version: version, signature } = model
  return {
    flavors: new Map(Object.entries(flavors).map(([name, keys]) => [name, isKeys(keys) ? keys : {}])),
    version: typeof version === 'string' ? version : '',
    signature: signature === undefined || signature === null ? {} : readSignature(signature, file),
  }
}

/** An alias may stand for one that stands for another: the package counts what they would become. */
async function readYaml(text: string, file: string): Promise<unknown> {
  try {
    if (depthOf(text) > MAX_DEPTH || NESTED_LINE.test(text)) throw new RangeError()
    const { parseDocument } = await import('yaml') // few models come from MLflow
    const document = parseDocument(text, { logLevel: 'silent', uniqueKeys: false })
    const [error] = document.errors
    if (error !== undefined) throw error
    return document.toJS({ maxAliasCount: 100 }) as unknown
  } catch (error) {
    const reason = error instanceof RangeError ? 'it is nested too deeply' : firstLine(messageOf(error))
    throw wrong(file, `is not YAML (${reason})`)
  }
}

/** How deep brackets are nested, those in texts included: the JSON of a signature closes what it opens. */
function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  for (const [bracket] of text.matchAll(/[[{\]}]/g)) {
    depth = bracket === '[' || bracket === '{' ? depth + 1 : Math.max(0, depth - 1)
    deepest = Math.max(deepest, depth)
  }
  return deepest
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').replace(/:$/, '')
}

/** `inputs` is JSON in a text: a list of columns, or of tensors. What a model gives is not read: the file says it. */
function readSignature(signature: unknown, file: string): Mlmodel['signature'] {
  const json = isKeys(signature) ? signature['inputs'] : undefined
  if (json === undefined || json === null) return {}
  let inputs: unknown = json
  try {
    if (typeof json === 'string') inputs = JSON.parse(json)
  } catch (error) {
    throw wrong(file, `signature.inputs is not JSON (${messageOf(error)})`)
  }
  if (!Array.isArray(inputs) || !inputs.every(isKeys))
    throw wrong(file, 'signature.inputs is not a list of columns or tensors')
  if (inputs.length === 0) return {}
  if (inputs.every(({ type }) => type === 'tensor'))
    return { inputs: inputs.map((each, i) => tensorOf(each, `signature.inputs[${i}]`, file)) }
  if (inputs.every(({ name }) => name === undefined || name === null)) return {} // in the order of the model's own
  return {
    signature: { inputs: inputs.map((each, i) => columnOf(each, `signature.inputs[${i}]`, file)) },
  }
}

/** Not datetime: MLflow's are nanoseconds to pandas, and no model file says what it was trained on. */
const TYPES: readonly unknown[] = Object.values(COLUMN_TYPES)
  .flat()
  .filter((type) => type !== 'tensor' && type !== 'datetime')

function columnOf({ name, type, required, optional }: Keys, at: string, file: string): ManifestColumn {
  if (typeof name !== 'string' || name === '') throw wrong(file, `${at} has no name`)
  if (!TYPES.includes(type)) {
    const said = type === undefined ? 'no type' : JSON.stringify(type)
    throw wrong(
      file,
      `${at}: the column ${name} is ${said}, which no model that is read takes (${TYPES.join(', ')})`,
    )
  }
  return { name, type: String(type), required: typeof required === 'boolean' ? required : optional !== true }
}

/** NumPy's types by the names of the Open Inference Protocol; rows of any floats are fed to a graph in its own. */
const DATATYPES: Readonly<Record<string, string>> = {
  float16: ANY_FLOAT,
  float32: ANY_FLOAT,
  float64: ANY_FLOAT,
  bool: 'BOOL',
  str: 'BYTES',
  object: 'BYTES',
}

function tensorOf({ name, 'tensor-spec': spec }: Keys, at: string, file: string): ManifestTensor {
  const { dtype, shape } = isKeys(spec) ? spec : {}
  const isShape = Array.isArray(shape) && shape.every((size) => Number.isInteger(size))
  if (typeof dtype !== 'string' || !isShape)
    throw wrong(file, `${at} has no tensor-spec with dtype and shape`)
  const datatype = DATATYPES[dtype] ?? dtype.toUpperCase()
  return { name: typeof name === 'string' ? name : '', datatype, shape: shape as number[] }
}

function isKeys(value: unknown): value is Keys {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function wrong(file: string, what: string): ModelError {
  return new ModelError(
    'model.manifest',
    `${file} ${what}. Save the model again with MLflow, or remove the file.`,
  )
}
