import { spawn } from 'node:child_process'
import path from 'node:path'

/** The simulation takes Node's clock away, so it has a process of its own. */
export function simulate(
  ...args: string[]
): Promise<{ readonly code: number | null; readonly output: string }> {
  const program = path.join(import.meta.dirname, 'simulate.ts')
  const child = spawn(process.execPath, ['--conditions=source', program, ...args])
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })))
}
