import path from 'node:path'
import { ModelError } from '../../api/errors.ts'
import type { ModelFormatPlugin } from '../../api/model-formats.ts'

/** A format that a package brought. */
export interface PackagedFormat {
  readonly plugin: ModelFormatPlugin
  /** The name and version of the package. */
  readonly package: string
}

const known: PackagedFormat[] = []
let note = (): string => ''

/** Takes a format of a package, once it is loaded; of several versions of one, the one taken last reads. */
export function takeFormat(format: PackagedFormat): void {
  const before = known.findIndex(({ plugin }) => plugin.name === format.plugin.name)
  known.splice(before < 0 ? known.length : before, before < 0 ? 0 : 1, format)
}

/** What says, for the error of a file that nothing reads, which packages could not be loaded. */
export function tellOfMissing(tell: () => string): void {
  note = tell
}

export function missingNote(): string {
  return note()
}

/** How errors, `sluice models inspect` and the worker name the reader: `XgboostJson 1.0.0 of acme-xgboost 2.1.0`. */
export function readerOf({ plugin, package: label }: PackagedFormat): string {
  return `${plugin.name} ${plugin.version} of ${label}`
}

/** The format that a manifest names in `source.format`; undefined where no package has it. */
export function namedFormat(format: string | undefined): PackagedFormat | undefined {
  return format === undefined ? undefined : known.find(({ plugin }) => plugin.format === format)
}

/** The format of a file by its name and how it begins; undefined where it is of none that a package has. */
export function recognise(name: string, head: Buffer): PackagedFormat | undefined {
  const fitting = fittingOf(name, head)
  if (fitting.length <= 1) return fitting[0]
  const readers = fitting.map(readerOf).join(' and ')
  const names = fitting.map(({ plugin }) => plugin.format).join(' or ')
  throw new ModelError(
    'model.unsupported',
    `${name} is read by ${readers}: name ${names} in source.format of its manifest.json, or remove a package.`,
  )
}

/** Whether a file, by its name and how it begins, is of a format that a package has. */
export function isPackaged(name: string, head: Buffer): boolean {
  return fittingOf(name, head).length > 0
}

function fittingOf(name: string, head: Buffer): readonly PackagedFormat[] {
  return formatsOf(name).filter(({ plugin }) => plugin.signs.every((sign) => head.includes(sign)))
}

/** Whether a file may be of a format that a package has, by its name alone. */
export function mayBePackaged(name: string): boolean {
  return formatsOf(name).length > 0
}

export function packagedEndings(): readonly string[] {
  return known.flatMap(({ plugin }) => plugin.endings)
}

function formatsOf(name: string): readonly PackagedFormat[] {
  const ending = path.extname(name).toLowerCase()
  return known.filter(({ plugin }) => plugin.endings.includes(ending))
}

/** As before any package was loaded. */
export function forgetFormats(): void {
  known.length = 0
}
