import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Names } from './names.ts'

export interface Project {
  readonly names: Names
  /** What npm takes Sluice from: a range of versions, or `file:` and the path of a tarball. Default: that of the template. */
  readonly sluice?: string
}

const TEMPLATE = path.resolve(import.meta.dirname, '../template')

/** A reason why a project cannot be written, as a sentence for the person who asked for it. */
export class Refusal extends Error {}

/**
 * Writes the template into a folder under the names of the project. The template is a package itself: in it the names
 * are `my-plugin`, `MyPlugin` and `my`, and files that would mean something where they lie begin with `_`.
 * Gives the range of Node that the package needs.
 * @throws Refusal where the folder holds anything, or is a file
 */
export async function createProject(folder: string, project: Project): Promise<{ readonly node: string }> {
  const present = await readdir(folder).catch((error: unknown) => {
    if (!existsSync(folder)) return []
    throw new Refusal(`${folder} cannot be used: ${error instanceof Error ? error.message : String(error)}`)
  })
  if (present.length > 0) throw new Refusal(`${folder} is not empty: take another name, or empty it`)
  const files = await readdir(TEMPLATE, { recursive: true, withFileTypes: true })
  for (const file of files.filter((each) => each.isFile())) {
    const source = path.join(file.parentPath, file.name)
    const target = path.join(folder, targetOf(path.relative(TEMPLATE, source)))
    await mkdir(path.dirname(target), { recursive: true })
    await writeFile(target, filled(path.basename(target), await readFile(source, 'utf8'), project))
  }
  const manifest = await readFile(path.join(folder, 'package.json'), 'utf8')
  return (JSON.parse(manifest) as { readonly engines: { readonly node: string } }).engines
}

function targetOf(file: string): string {
  const { dir, base } = path.parse(file)
  const name = base === '_gitignore' ? '.gitignore' : base.replace(/^_/, '')
  return path.join(dir, name)
}

function filled(name: string, text: string, { names, sluice }: Project): string {
  const named = text
    .replaceAll(/\bmy-plugin-(source|sink)\b/g, `${names.word}-$1`)
    .replaceAll('../my-plugin', `../${names.base}`)
    .replaceAll('my-plugin', names.full)
    .replaceAll('MyPlugin', names.prefix)
  return name === 'package.json' && sluice !== undefined ? withSluice(named, sluice) : named
}

/** The range that users of the package must have stays. */
function withSluice(text: string, sluice: string): string {
  const manifest = JSON.parse(text) as { readonly devDependencies: Readonly<Record<string, string>> }
  const devDependencies = { ...manifest.devDependencies, sluice }
  return `${JSON.stringify({ ...manifest, devDependencies }, null, 2)}\n`
}
