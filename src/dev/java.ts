import { spawn } from 'node:child_process'
import path from 'node:path'
import { CommandError } from '../api/errors.ts'

/** Kafka 4 brokers are compiled for it. */
const OLDEST_ACCEPTED = 17

interface Finished {
  readonly code: number | null
  readonly output: string
}

/** Runs a program to its end; null when there is no such program. Both output streams are collected. */
export async function run(
  command: string,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<Finished | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...(signal && { signal }) })
    let output = ''
    const collect = (chunk: Buffer) => (output += chunk.toString())
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'EACCES') resolve(null)
      else reject(error)
    })
    child.once('close', (code) => resolve({ code, output }))
  })
}

/** The `java` to use (that of JAVA_HOME first), checked to be new enough. Throws `dev.environment`. */
export async function findJava(): Promise<string> {
  const home = process.env['JAVA_HOME']
  const java = home === undefined || home === '' ? 'java' : path.join(home, 'bin', 'java')
  const asked = await run(java, ['-version'])
  const version = /version "(?:1\.)?(\d+)/.exec(asked?.output ?? '')?.[1]
  if (asked === null || version === undefined) {
    throw new CommandError(
      'dev.environment',
      `the embedded Kafka needs Java ${OLDEST_ACCEPTED} or newer, and ${
        home ? `JAVA_HOME (${home}) has no working java` : 'no working java is on the PATH'
      }`,
      {
        suggestion: `install a Java ${OLDEST_ACCEPTED} runtime (Debian: apt install openjdk-17-jre-headless), or use a Kafka that runs already with --bootstrap-servers`,
      },
    )
  }
  if (Number(version) < OLDEST_ACCEPTED) {
    throw new CommandError(
      'dev.environment',
      `the embedded Kafka needs Java ${OLDEST_ACCEPTED} or newer; ${java} is Java ${version}`,
      {
        suggestion:
          'point JAVA_HOME to a newer one, or use a Kafka that runs already with --bootstrap-servers',
      },
    )
  }
  return java
}
