import path from 'node:path'
import { ModelError } from '../../api/errors.ts'
import type { BeforeReading } from '../../api/models.ts'
import type { LoadedModel } from '../loaded-model.ts'
import type { Manifest } from '../manifest/manifest.ts'
import { readDl4j } from './dl4j/dl4j.ts'
import { readMojo } from './h2o/h2o-mojo.ts'
import { EDGE_BYTES } from './file-signs.ts'
import {
  missingNote,
  namedFormat,
  type PackagedFormat,
  packagedEndings,
  readerOf,
  recognise,
} from './packaged-formats.ts'
import { readPackaged } from './read-packaged.ts'
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

/**
 * Reads a model file of any supported format. The formats of Sluice go before those of packages, unless the manifest names one.
 * Throws ModelError (`model.corrupt`, `model.unsupported`, `model.format`).
 */
export async function readModelFile(file: ModelFile, before?: BeforeReading): Promise<LoadedModel> {
  const packaged = async (format: PackagedFormat): Promise<LoadedModel> => {
    await before?.(readerOf(format))
    return readPackaged(format, file)
  }
  const named = namedFormat(file.manifest?.source?.format)
  if (named !== undefined) return packaged(named)
  const format = builtInFormat(file)
  if (!('refusal' in format)) return format.read(file)
  const recognised = recognise(file.name, file.bytes.subarray(0, EDGE_BYTES))
  if (recognised !== undefined) return packaged(recognised)
  throw new ModelError('model.unsupported', format.refusal + missingNote())
}

function builtInFormat(file: ModelFile): Format | { readonly refusal: string } {
  const ending = path.extname(file.name).toLowerCase()
  const candidates = FORMATS.filter(({ endings }) => endings.includes(ending))
  if (candidates.length === 0) {
    const own = FORMATS.flatMap(({ endings }) => endings)
    if (packagedEndings().includes(ending))
      return { refusal: 'it is of no format that is known, nor of one that a package here reads.' }
    const known = [...new Set([...own, ...packagedEndings()])].join(', ')
    return {
      refusal: `model files that end in "${ending}" are not supported; ${known} are. Export the model in one of these formats, e.g. as ONNX.`,
    }
  }
  const zip = candidates.some(({ entry }) => entry !== undefined) ? openZip(file.bytes) : null
  const format = candidates.find(({ entry }) => entry === undefined || zip?.has(entry) === true)
  const refusal =
    'the zip file holds no model of a format that is known. Give a MOJO or a DL4J network, or export the model as ONNX.'
  return format ?? { refusal }
}
