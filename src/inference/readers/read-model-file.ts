import path from 'node:path'
import { ModelError } from '../../api/errors.ts'
import type { LoadedModel } from '../loaded-model.ts'
import type { Manifest } from '../manifest/manifest.ts'
import { readDl4j } from './dl4j/dl4j.ts'
import { readMojo } from './h2o/h2o-mojo.ts'
import { readPojo } from './pojo/pojo-model.ts'
import { readKerasH5, readKerasZip } from './keras/keras.ts'
import { readOnnx } from './onnx/onnx.ts'
import { openZip } from './zip.ts'

/** A model file in memory, and what its manifest adds. */
export interface ModelFile {
  readonly name: string
  readonly bytes: Buffer
  readonly manifest: Manifest | null
}

/** One format: how it is recognised, and its reader. */
interface Format {
  /** File endings that may hold it, in lower case. */
  readonly endings: readonly string[]
  /** For zip files: an entry that only this format has. */
  readonly entry?: string
  read(file: ModelFile): LoadedModel | Promise<LoadedModel>
}

const FORMATS: readonly Format[] = [
  { endings: ['.zip', '.mojo'], entry: 'model.ini', read: ({ bytes }) => readMojo(bytes) },
  { endings: ['.java'], read: ({ bytes }) => readPojo(bytes) },
  {
    endings: ['.zip'],
    entry: 'configuration.json',
    read: ({ bytes, manifest }) => readDl4j(bytes, manifest),
  },
  { endings: ['.h5', '.hdf5'], read: ({ bytes, manifest }) => readKerasH5(bytes, manifest) },
  { endings: ['.keras'], read: ({ bytes, manifest }) => readKerasZip(bytes, manifest) },
  { endings: ['.onnx'], read: ({ bytes, manifest }) => readOnnx(bytes, manifest) },
]

/** Reads a model file of any supported format. Throws ModelError (`model.corrupt`, `model.unsupported`). */
export async function readModelFile(file: ModelFile): Promise<LoadedModel> {
  const ending = path.extname(file.name).toLowerCase()
  const candidates = FORMATS.filter(({ endings }) => endings.includes(ending))
  if (candidates.length === 0) {
    const known = [...new Set(FORMATS.flatMap(({ endings }) => endings))].join(', ')
    throw new ModelError(
      'model.unsupported',
      `model files that end in "${ending}" are not supported; ${known} are. Export the model in one of these formats, e.g. as ONNX.`,
    )
  }
  const zip = candidates.some(({ entry }) => entry !== undefined) ? openZip(file.bytes) : null
  const format = candidates.find(({ entry }) => entry === undefined || zip?.has(entry) === true)
  if (format === undefined) {
    throw new ModelError(
      'model.unsupported',
      'the zip file holds no model of a format that is known. Give a MOJO or a DL4J network, or export the model as ONNX.',
    )
  }
  return format.read(file)
}
