import { ModelError } from '../../../api/errors.ts'

type H5wasm = typeof import('h5wasm')

export interface Tensor {
  readonly shape: readonly number[]
  readonly values: Float32Array | Float64Array
}

/** An HDF5 file in memory. Every method throws `model.corrupt` where the file is damaged. */
export interface Hdf5 {
  has(path: string): boolean
  /** The names in a group, in no order to rely on; empty where there is no such group. */
  names(path: string): readonly string[]
  /** A text attribute; null where there is none. */
  text(path: string, attribute: string): string | null
  /** A list of texts; null where there is none. Long ones lie in parts, `name0`, `name1`, …. */
  texts(path: string, attribute: string): readonly string[] | null
  tensor(path: string): Tensor
}

/** How much larger than its file the content that is read may be: HDF5 compresses, and leaves out what is all one number. */
const MOST_GROWTH = 200
const ALWAYS_READ = 2 ** 20
const MOST_BYTES = 512 * 2 ** 20

let library: Promise<H5wasm> | undefined
let count = 0

/** h5wasm is 15 MB: loaded with the first file (this file alone imports it). */
async function loadLibrary(): Promise<H5wasm> {
  library ??= import('h5wasm').then(async (h5) => {
    const module = await h5.ready
    // Errors of the HDF5 library become exceptions; else it prints them.
    module.activate_throwing_error_handler()
    return h5
  })
  return library
}

function corrupt(name: string, what: string, cause?: unknown): ModelError {
  return new ModelError('model.corrupt', `${name} ${what}. Save the model again.`, { cause })
}

/**
 * Opens an HDF5 file and hands it to `read`. It lies in the library's own file system, in memory: what a file links to
 * outside itself does not exist there. `name` is told in errors.
 */
export async function withHdf5<T>(bytes: Buffer, name: string, read: (file: Hdf5) => T): Promise<T> {
  const h5 = await loadLibrary()
  const { FS } = await h5.ready
  const place = `/model-${count++}.h5`
  FS.writeFile(place, bytes)
  try {
    const file = new h5.File(place, 'r')
    try {
      return read(view(h5, file, { name, size: bytes.length }))
    } finally {
      file.close()
    }
  } catch (error) {
    if (error instanceof ModelError) throw error
    // Whatever the library throws, traps of its machine included, means that it cannot read the file.
    throw corrupt(name, 'is damaged or no HDF5 file', error)
  } finally {
    FS.unlink(place)
  }
}

/**
 * Asked with the size of what is to be read, before it is: the library's memory grows to what a file claims, and never
 * shrinks. Throws where all of it together is too much for the file.
 */
function allowance(name: string, stored: number) {
  const most = Math.min(MOST_BYTES, Math.max(ALWAYS_READ, stored * MOST_GROWTH))
  let bytesRead = 0
  return ({ size, total_size: count }: { readonly size: number; readonly total_size: number }): void => {
    bytesRead += size * count
    if (!(bytesRead <= most)) throw corrupt(name, `would grow from ${stored} bytes to more than ${most}`)
  }
}

function list(value: unknown): readonly string[] | null {
  if (Array.isArray(value)) return value.map(String)
  if (typeof value === 'string') return [value]
  return value === null ? null : []
}

function view(
  h5: H5wasm,
  file: InstanceType<H5wasm['File']>,
  { name, size: stored }: { readonly name: string; readonly size: number },
): Hdf5 {
  const refuseBomb = allowance(name, stored)
  const has = (path: string): boolean => {
    let at = ''
    for (const part of path.split('/')) {
      const group = at === '' ? file : file.get(at)
      if (!(group instanceof h5.Group) || !group.keys().includes(part)) return false
      at = at === '' ? part : `${at}/${part}`
    }
    return true
  }
  const attribute = (path: string, key: string): unknown => {
    const entity = path === '' ? file : has(path) ? file.get(path) : null
    if (!(entity instanceof h5.Group)) return null
    const found = entity.attrs[key]
    if (found === undefined) return null
    refuseBomb(found.metadata)
    return found.value
  }
  return {
    has,
    names(path) {
      const group = has(path) ? file.get(path) : null
      return group instanceof h5.Group ? group.keys() : []
    },
    text(path, key) {
      const value = attribute(path, key)
      return typeof value === 'string' ? value : null
    },
    texts(path, key) {
      const whole = list(attribute(path, key))
      if (whole !== null) return whole
      const parts: string[] = []
      for (let i = 0; ; i++) {
        const part = list(attribute(path, `${key}${i}`))
        if (part === null) return i === 0 ? null : parts
        parts.push(...part)
      }
    },
    tensor(path) {
      const dataset = has(path) ? file.get(path) : null
      if (!(dataset instanceof h5.Dataset)) throw corrupt(name, `lacks the weights ${path}`)
      refuseBomb(dataset.metadata)
      const { value, shape } = dataset
      const values = typeof value === 'number' ? Float32Array.of(value) : value
      const isNumbers = values instanceof Float32Array || values instanceof Float64Array
      const size = shape?.reduce((product, each) => product * each, 1)
      if (!isNumbers || shape === null || size !== values.length) {
        throw corrupt(name, `holds no float numbers at ${path}`)
      }
      return { shape, values }
    },
  }
}
