import { stat } from 'node:fs/promises'
import { ConfigError, type ConfigProblem } from '../../api/errors.ts'
import type { AllowedImages, ImageRules } from '../../api/images.ts'
import { realPathBelow } from '../store/model-folder.ts'
import { fetchImage } from './fetch-image.ts'
import { type ImageDecoder, type ImageSize, openImageDecoder } from './image-decoder.ts'
import { imageError } from './image-error.ts'
import { readLocalImage, tooLarge } from './read-local-image.ts'

/** What a configuration says about the images to read, and the worker's settings. */
export interface CheckedImageRules extends ImageRules {
  /** What a configuration may name at most. */
  readonly allowed: AllowedImages
}

/** Reads images: the bytes themselves, or from where a text says they are. */
export interface Images {
  /** RGB bytes by rows, cut and resized to the size. Rejects with a DataError (`record.image`): that image is bad. */
  read(source: Buffer | string, size: ImageSize): Promise<Uint8Array>
}

/**
 * Loads the decoder. Throws ModelError where its package is not there, ConfigError (`file.root`, `http.allowed.origins`)
 * where the worker does not allow what the rules name.
 */
export async function openImages(rules: CheckedImageRules): Promise<Images> {
  const fileRoot = await checkRules(rules)
  const decoder: ImageDecoder = await openImageDecoder()
  return {
    async read(source, size) {
      const bytes = typeof source === 'string' ? await load(source, { ...rules, fileRoot }) : source
      if (bytes.length > rules.maxBytes) throw tooLarge(rules.maxBytes)
      return decoder.decode(bytes, size)
    },
  }
}

/** The real path of the root. What is not allowed would fail every record: it fails the task instead. */
async function checkRules({ fileRoot, httpOrigins, allowed }: CheckedImageRules): Promise<string | null> {
  const problems: ConfigProblem[] = []
  const root = fileRoot === null ? null : await allowedRoot(fileRoot, allowed.dirs)
  if (root === undefined) {
    const place =
      allowed.dirs.length === 0 ? 'images.allowed.dirs, which names none' : 'one of images.allowed.dirs'
    const message = `${fileRoot} is no folder below ${place}. Set images.allowed.dirs in the settings of the worker, or choose a folder below one of them.`
    problems.push({ path: 'file.root', message })
  }
  const strangers = httpOrigins.filter((origin) => !allowed.origins.includes(origin))
  if (strangers.length > 0) {
    const message = `The worker fetches nothing from ${strangers.join(', ')}. Set images.allowed.origins in the settings of the worker, or take the origin away here.`
    problems.push({ path: 'http.allowed.origins', message })
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return root ?? null
}

async function allowedRoot(root: string, dirs: readonly string[]): Promise<string | undefined> {
  const real = await realPathBelow(dirs, root)
  const info = real === undefined ? undefined : await stat(real).catch(() => undefined)
  return info?.isDirectory() === true ? real : undefined
}

async function load(location: string, rules: CheckedImageRules): Promise<Buffer> {
  const { allowed, fileRoot, httpOrigins, maxBytes, fetchTimeoutMs } = rules
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(location)?.[1]?.toLowerCase()
  if (scheme === 'http' || scheme === 'https') {
    const { privateAddresses } = allowed
    return fetchImage(location, {
      ...{ origins: httpOrigins, privateAddresses, maxBytes, timeoutMs: fetchTimeoutMs },
    })
  }
  if (fileRoot === null) {
    throw imageError(
      'The record holds a location, but no file may be read. Set file.root, or send the bytes.',
    )
  }
  return readLocalImage(fileRoot, location, maxBytes)
}
