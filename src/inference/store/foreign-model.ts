import { lstat, open, readdir } from 'node:fs/promises'
import path from 'node:path'
import type { ModelError } from '../../api/errors.ts'
import { EDGE_BYTES, type FileEdges } from '../readers/file-signs.ts'
import type { ForeignFormat } from '../readers/foreign-formats.ts'
import { isPackaged, mayBePackaged } from '../readers/packaged-formats.ts'
import { nameFile, nameFolder, refuseFormat } from '../readers/name-format.ts'

/** Why a file is refused before it is read whole: it is of a format that is known, but not read. */
export async function foreignFile(file: string): Promise<ModelError | undefined> {
  const format = await formatOf(file)
  return format && refuseFormat(`${file} is`, format)
}

/** Why a folder without a model that is read is refused: it is of such a format, or holds a file that is. */
export async function foreignFolder(folder: string): Promise<ModelError | undefined> {
  const found = await findForeign(folder)
  return found && refuseFormat(found.what, found.format)
}

/** Whether a folder without a model that is read is a version nevertheless: one that will be refused by its name. */
export async function isForeignVersion(folder: string): Promise<boolean> {
  if (!/^\d+$/.test(path.basename(folder))) return false
  const found = await findForeign(folder)
  // A format that is read, under another name: somebody is still writing that file.
  return found !== undefined && found.format.own === undefined
}

interface Found {
  readonly what: string
  readonly format: ForeignFormat
}

/** What is looked at in a folder, at most. */
const MOST_NAMES = 200
const MOST_FILES = 40

async function findForeign(folder: string): Promise<Found | undefined> {
  const names = await namesBelow(folder)
  const format = nameFolder(names)
  if (format !== undefined) return { what: `${folder} holds`, format }
  for (const name of names.slice(0, MOST_FILES)) {
    const file = path.join(folder, name)
    const own = await formatOf(file)
    if (own !== undefined) return { what: `${file} is`, format: own }
  }
  return undefined
}

async function formatOf(file: string): Promise<ForeignFormat | undefined> {
  const edges = await readEdges(file).catch(() => undefined) // who reads it whole says why that cannot be done
  return edges && nameFile(path.basename(file), edges)
}

/** Whether a file that may be of a format of a package, by its name, is of it. */
export async function isPackagedFile(folder: string, name: string): Promise<boolean> {
  if (name.startsWith('.') || !mayBePackaged(name)) return false
  const edges = await readEdges(path.join(folder, name)).catch(() => undefined)
  return edges !== undefined && isPackaged(name, edges.head)
}

/** Follows no link, which may lead out of the allowed folders, and opens no pipe, which would wait for a writer. */
async function readEdges(file: string): Promise<FileEdges | undefined> {
  const info = await lstat(file)
  if (!info.isFile()) return undefined
  const handle = await open(file)
  try {
    const length = Math.min(info.size, EDGE_BYTES)
    const [head, tail] = [Buffer.alloc(length), Buffer.alloc(length)]
    await handle.read(head, 0, length, 0)
    await handle.read(tail, 0, length, info.size - length)
    return { head, tail }
  } finally {
    await handle.close()
  }
}

/** Names in a folder and in its folders, with `/` between them. */
async function namesBelow(folder: string): Promise<readonly string[]> {
  const names: string[] = []
  for (const { name, isFolder } of await visible(folder)) {
    names.push(name)
    if (isFolder)
      names.push(...(await visible(path.join(folder, name))).map((inner) => `${name}/${inner.name}`))
    if (names.length > MOST_NAMES) break
  }
  return names.slice(0, MOST_NAMES)
}

async function visible(folder: string): Promise<readonly { name: string; isFolder: boolean }[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries
    .filter(({ name }) => !name.startsWith('.'))
    .map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }))
}
