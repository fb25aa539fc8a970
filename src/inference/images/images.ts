import { stat } from 'node:fs/promises'
import { ConfigError } from '../../api/errors.ts'
import { fetchImage } from './fetch-image.ts'
import { type ImageDecoder, type ImageSize, openImageDecoder } from './image-decoder.ts'
import { imageError } from './image-error.ts'
import { readLocalImage, tooLarge } from './read-local-image.ts'

export interface ImageRules {
  /** The folder below which a location may name a file; null: none may. */
  readonly fileRoot: string | null
  /** From where a location may be fetched; empty: from nowhere. */
  readonly httpOrigins: readonly string[]
  readonly maxBytes: number
  readonly fetchTimeoutMs: number
}

/** Reads images: the bytes themselves, or from where a text says they are. */
export interface Images {
  /** RGB bytes by rows, cut and resized to the size. Rejects with a DataError (`record.image`): that image is bad. */
  read(source: Buffer | string, size: ImageSize): Promise<Uint8Array>
}

/** Loads the decoder. Throws ModelError where its package is not there, ConfigError where the root is no folder. */
export async function openImages(rules: ImageRules): Promise<Images> {
  if (rules.fileRoot !== null) await checkFolder(rules.fileRoot)
  const decoder: ImageDecoder = await openImageDecoder()
  return {
    async read(source, size) {
      const bytes = typeof source === 'string' ? await load(source, rules) : source
      if (bytes.length > rules.maxBytes) throw tooLarge(rules.maxBytes)
      return decoder.decode(bytes, size)
    },
  }
}

/** A wrong root would fail every record: it fails the task instead. */
async function checkFolder(root: string): Promise<void> {
  const info = await stat(root).catch(() => undefined)
  if (info?.isDirectory() === true) return
  throw new ConfigError([{ path: 'file.root', message: `${root} is no folder that can be read. Create it.` }])
}

async function load(location: string, rules: ImageRules): Promise<Buffer> {
  const { fileRoot, httpOrigins, maxBytes, fetchTimeoutMs } = rules
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(location)?.[1]?.toLowerCase()
  if (scheme === 'http' || scheme === 'https') {
    return fetchImage(location, { origins: httpOrigins, maxBytes, timeoutMs: fetchTimeoutMs })
  }
  if (fileRoot === null) {
    throw imageError(
      'The record holds a location, but no file may be read. Set file.root, or send the bytes.',
    )
  }
  return readLocalImage(fileRoot, location, maxBytes)
}
