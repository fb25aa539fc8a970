import { constants } from 'node:fs'
import { open, realpath } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { isInside } from '../store/model-folder.ts'
import { imageError } from './image-error.ts'

/**
 * Reads a regular file below `root`, a real path: a path relative to it, an absolute one, or a `file:` URL. Where it lies is decided
 * after symbolic links are resolved. One message for all that is not there, or not to be read, so that it reveals nothing.
 */
export async function readLocalImage(root: string, location: string, maxBytes: number): Promise<Buffer> {
  const file = await findBelow(root, location)
  if (file === undefined) throw refused()
  // Neither follows a link that came in the meantime nor waits for the writer of a pipe.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const handle = await open(file, flags).catch(() => undefined)
  if (handle === undefined) throw refused()
  try {
    const info = await handle.stat()
    if (!info.isFile()) throw refused()
    if (info.size > maxBytes) throw tooLarge(maxBytes)
    const bytes = Buffer.alloc(info.size)
    const { bytesRead } = await handle.read(bytes, 0, info.size, 0)
    if (bytesRead < info.size)
      throw imageError(
        'The file became shorter while it was read. Write it under another name, then rename it.',
      )
    return bytes
  } finally {
    await handle.close()
  }
}

export function tooLarge(maxBytes: number): Error {
  return imageError(`The image has more than ${maxBytes} bytes. Make it smaller, or raise max.bytes.`)
}

async function findBelow(root: string, location: string): Promise<string | undefined> {
  try {
    const wanted = /^file:/i.test(location) ? fileURLToPath(location) : location
    const real = await realpath(path.resolve(root, wanted))
    return isInside(root, real) ? real : undefined
  } catch {
    return undefined // no such file, a NUL in it, a host in the URL, a folder not to be entered
  }
}

function refused(): Error {
  return imageError('The location names no file below file.root that can be read. Put the image there.')
}
