import { execFileSync } from 'node:child_process'
import { mkdir, symlink } from 'node:fs/promises'
import path from 'node:path'
import { REPOSITORY } from './process.ts'

export const CREATE = path.join(REPOSITORY, 'create-sluice-plugin')
export const CREATE_MAIN = path.join(CREATE, 'src/main.ts')

/** Makes packages of the checkout's `node_modules` those of a project, without an installation. */
export async function linkPackages(project: string, packages: readonly string[]): Promise<void> {
  for (const name of packages) {
    const target = path.join(project, 'node_modules', name)
    await mkdir(path.dirname(target), { recursive: true })
    await symlink(name === 'sluice' ? REPOSITORY : path.join(REPOSITORY, 'node_modules', name), target)
  }
}

/** Runs the compiler of the checkout in a project. What it finds is in the error's `stdout`. */
export function compile(project: string, ...args: readonly string[]): void {
  const tsc = path.join(REPOSITORY, 'node_modules/typescript/bin/tsc')
  execFileSync(process.execPath, [tsc, ...args], { cwd: project, encoding: 'utf8' })
}
