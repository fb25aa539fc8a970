import path from 'node:path'
import { ModelError } from '../../api/errors.ts'
import { type FileEdges, type FileSigns, readSigns } from './file-signs.ts'
import { isPackaged } from './packaged-formats.ts'
import { FOREIGN_FORMATS, type ForeignFormat, OWN_FORMATS } from './foreign-formats.ts'

/** Which format that is not read a file is of: what it holds decides, then its ending. Undefined where neither tells. */
export function nameFile(name: string, edges: FileEdges): ForeignFormat | undefined {
  if (isPackaged(name, edges.head)) return undefined // a package reads it
  const ending = path.extname(name).toLowerCase()
  const signs = readSigns(edges)
  const found = [...OWN_FORMATS, ...FOREIGN_FORMATS].find((format) => fits(format, signs))
  if (found?.own !== undefined && signs.isPacked)
    return { ...found, instead: 'It is compressed: unpack it with gunzip.' }
  if (found?.own?.includes(ending) === true) return undefined
  return found ?? FOREIGN_FORMATS.find(({ endings }) => endings?.includes(ending))
}

function fits({ starts, text, entry, has }: ForeignFormat, signs: FileSigns): boolean {
  if (starts !== undefined && signs.text.startsWith(starts)) return true
  if (text?.test(signs.text) === true || has?.(signs) === true) return true
  return entry !== undefined && signs.entries.some((name) => entry.test(name))
}

/** Which format that is not read a folder is of, by the names below it, with `/` between them. */
export function nameFolder(names: readonly string[]): ForeignFormat | undefined {
  const found = [...OWN_FORMATS, ...FOREIGN_FORMATS].find(
    ({ entry, isFolder }) =>
      isFolder === true && entry !== undefined && names.some((name) => entry.test(name)),
  )
  if (found?.own === undefined) return found
  return { ...found, instead: 'It was unpacked: pack its files into a zip again, or fetch that again.' }
}

/** `model.unsupported` with the format's name and what to do; `what` is "the file is" or "the folder holds". */
export function refuseFormat(what: string, { name, instead, own }: ForeignFormat): ModelError {
  const why = own === undefined ? 'which is not read' : 'but is not named or packed like one'
  return new ModelError('model.unsupported', `${what} ${name}, ${why}. ${instead}`)
}
