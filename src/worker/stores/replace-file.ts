import { open, rename, stat } from 'node:fs/promises'
import path from 'node:path'

/** What tells one state of a file from the next. */
export interface FileMark {
  readonly inode: bigint
  readonly size: bigint
  readonly modified: bigint
}

/** Undefined where there is no file. */
export async function markOf(file: string): Promise<FileMark | undefined> {
  const found = await stat(file, { bigint: true }).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })
  return found && { inode: found.ino, size: found.size, modified: found.mtimeNs }
}

export function sameMark(a: FileMark | undefined, b: FileMark | undefined): boolean {
  return a?.inode === b?.inode && a?.size === b?.size && a?.modified === b?.modified
}

/**
 * Writes a file anew: whoever reads it, also after a crash in the middle, finds the old bytes or the new ones. On disk
 * when it resolves. The file keeps its mode.
 */
export async function replaceFile(file: string, bytes: Buffer): Promise<void> {
  const temporary = `${file}.tmp`
  const mode = await stat(file).then(
    (found) => found.mode & 0o777,
    () => undefined,
  )
  const handle = await open(temporary, 'w')
  try {
    if (mode !== undefined) await handle.chmod(mode)
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, file)
  await syncFolder(path.dirname(file))
}

/** Makes a rename durable. Some systems cannot open folders, and need no such step. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  try {
    await handle?.sync().catch(() => undefined)
  } finally {
    await handle?.close()
  }
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
