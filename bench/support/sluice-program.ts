import { copyFileSync, mkdirSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { CommandError } from '../../src/api/errors.ts'
import { run } from '../../src/dev/java.ts'
import { REPOSITORY, say } from './job.ts'

/**
 * Compiles Sluice as it is published and gives the file to start. The peer is compiled too, and Node would otherwise
 * spend time on taking the types out of the sources, in each process. What is edited meanwhile changes nothing.
 */
export async function buildSluice(folder: string): Promise<string> {
  say('compiling Sluice')
  const home = path.join(folder, 'package')
  mkdirSync(home)
  copyFileSync(path.join(REPOSITORY, 'package.json'), path.join(home, 'package.json'))
  symlinkSync(path.join(REPOSITORY, 'node_modules'), path.join(home, 'node_modules'))
  const compiler = path.join(REPOSITORY, 'node_modules', 'typescript', 'bin', 'tsc')
  const project = path.join(REPOSITORY, 'tsconfig.build.json')
  const options = ['-p', project, '--outDir', path.join(home, 'dist')]
  const done = await run(process.execPath, [compiler, ...options])
  if (done?.code !== 0) {
    const reason = (done?.output ?? '').trim().split('\n')[0] ?? ''
    const suggestion = 'npm run types shows all errors'
    throw new CommandError('dev.environment', `Sluice does not compile: ${reason}`, { suggestion })
  }
  return path.join(home, 'dist', 'src', 'cli', 'main.js')
}
