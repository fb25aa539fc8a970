import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { CommandError } from '../../src/api/errors.ts'
import { findJava, run } from '../../src/dev/java.ts'
import { REPOSITORY, say } from './job.ts'

const FOLDER = path.join(REPOSITORY, 'bench', 'jvm-peer')
const CLASSES = path.join(FOLDER, 'target', 'classes')
const JARS = path.join(FOLDER, 'target', 'dependency', '*')
/** What the classes were made from, to see whether they are still right. */
const MADE_FROM = path.join(FOLDER, 'target', 'made-from.txt')

export interface PeerProgram {
  readonly java: string
  readonly classPath: string
}

/** Builds the JVM peer where that was not done before. Throws `dev.environment` without a JDK or Maven. */
export async function buildPeer(): Promise<PeerProgram> {
  const program = { java: await findJava(), classPath: `${CLASSES}:${JARS}` }
  const pom = path.join(FOLDER, 'pom.xml')
  const source = path.join(FOLDER, 'Peer.java')
  const madeFrom = (await readFile(pom, 'utf8')) + (await readFile(source, 'utf8'))
  if (existsSync(MADE_FROM) && (await readFile(MADE_FROM, 'utf8')) === madeFrom) return program
  say('building the JVM peer (once)')
  await mkdir(CLASSES, { recursive: true })
  await built('mvn', ['-q', '-B', '-C', '-f', pom, 'dependency:copy-dependencies'], 'Maven')
  await built(javac(), ['-d', CLASSES, '-cp', JARS, source], 'a JDK of Java 17 or newer')
  await writeFile(MADE_FROM, madeFrom)
  return program
}

function javac(): string {
  const home = process.env['JAVA_HOME']
  return home === undefined || home === '' ? 'javac' : path.join(home, 'bin', 'javac')
}

async function built(command: string, args: readonly string[], what: string): Promise<void> {
  const done = await run(command, args)
  if (done === null) {
    throw new CommandError(
      'dev.environment',
      `the JVM peer is built with ${what}, and there is no ${command}`,
      {
        suggestion: 'install it (Debian: apt install openjdk-17-jdk-headless maven)',
      },
    )
  }
  if (done.code === 0) return
  const reason = done.output.split('\n').find((line) => /error/i.test(line)) ?? done.output
  throw new CommandError('dev.environment', `the JVM peer could not be built: ${reason.trim()}`, {
    suggestion: 'see bench/jvm-peer/README.md',
  })
}
