import { readFile, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { key } from '../../api/config.ts'

const MAX_BYTES = 2 ** 20

export const allowedPaths = {
  'allowed.paths': key.list({
    doc: 'Files and folders, absolute, below which files are read; links that lead out are not followed. Empty: all that the worker may read.',
    default: [],
    check: (paths) =>
      paths.every((each) => path.isAbsolute(each)) ? undefined : 'Each must be an absolute path',
  }),
}

/** Reads a regular file of at most 1 MiB below the allowed paths. Throws with a reason that shows nothing of it. */
export async function readAllowed(file: string, allowed: readonly string[]): Promise<string> {
  if (!path.isAbsolute(file)) throw new Error(`${file} is not an absolute path`)
  const real = await realpath(file).catch((error: unknown) => {
    throw new Error(`${file} cannot be read (${codeOf(error)})`)
  })
  if (!(await isAllowed(real, allowed))) throw new Error(`${file} is outside of allowed.paths`)
  const info = await stat(real)
  if (!info.isFile()) throw new Error(`${file} is not a file`)
  if (info.size > MAX_BYTES) throw new Error(`${file} has more than ${MAX_BYTES} bytes`)
  return readFile(real, 'utf8').catch((error: unknown) => {
    throw new Error(`${file} cannot be read (${codeOf(error)})`)
  })
}

async function isAllowed(real: string, allowed: readonly string[]): Promise<boolean> {
  if (allowed.length === 0) return true
  for (const each of allowed) {
    const root = await realpath(each).catch(() => undefined)
    if (root === undefined) continue
    if (real === root || real.startsWith(root.endsWith(path.sep) ? root : root + path.sep)) return true
  }
  return false
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
}
