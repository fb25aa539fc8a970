import { access, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { run } from '../../src/dev/java.ts'
import { REPOSITORY } from './process.ts'

/** The Python of a virtual environment with what a requirements file asks for; made once, in `.cache/clients`. */
export async function pythonWith(name: string, requirements: string): Promise<string> {
  const venv = path.join(REPOSITORY, '.cache/clients', name)
  const [program, whole] = [path.join(venv, 'bin/python'), path.join(venv, 'whole')]
  if (await isThere(whole)) return program
  await must('python3', ['-m', 'venv', venv])
  await must(program, ['-m', 'pip', 'install', '-q', '-r', requirements])
  await writeFile(whole, '')
  return program
}

/** What it prints. @throws where it is not there, or fails */
export async function must(command: string, args: readonly string[]): Promise<string> {
  const done = await run(command, args)
  if (done?.code !== 0)
    throw new Error(`${command} ${args.join(' ')}: ${done?.output ?? 'there is no such program'}`)
  return done.output
}

export function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
