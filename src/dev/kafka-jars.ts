import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import { CommandError } from '../api/errors.ts'
import type { Logger } from '../api/log.ts'
import { run } from './java.ts'
import { packageRoot } from './package-root.ts'

/**
 * The folder that holds the embedded broker's jars. Maven resolves them once, from our pom, into a cache outside the
 * work tree whose name has the pom's hash. The folder appears by a rename, so it is whole or absent, also when two
 * processes resolve at the same time. Throws `dev.environment` where Maven is missing or fails.
 */
export async function kafkaJars(log: Logger, signal?: AbortSignal): Promise<string> {
  const pom = path.join(packageRoot(), 'src', 'dev', 'pom.xml')
  const hash = createHash('sha256')
    .update(await readFile(pom))
    .digest('hex')
    .slice(0, 12)
  const folder = path.join(cacheHome(), `kafka-${hash}`)
  if (await holdsKafka(folder)) return folder
  const unfinished = `${folder}.${randomUUID()}`
  try {
    log.info('resolving the jars of Apache Kafka with Maven (once)', { folder })
    await copyDependencies(pom, unfinished, signal)
    await moveInto(unfinished, folder)
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
  return folder
}

function cacheHome(): string {
  const xdg = process.env['XDG_CACHE_HOME']
  return path.join(xdg === undefined || xdg === '' ? path.join(homedir(), '.cache') : xdg, 'sluice')
}

async function holdsKafka(folder: string): Promise<boolean> {
  const files = await readdir(folder).catch(() => [])
  return files.some((file) => file.startsWith('kafka_2.13-'))
}

async function copyDependencies(pom: string, folder: string, signal?: AbortSignal): Promise<void> {
  await mkdir(folder, { recursive: true })
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${folder}`]
  const done = await run('mvn', ['-q', '-B', '-C', '-f', pom, ...goal], signal)
  if (done === null) {
    throw new CommandError(
      'dev.environment',
      'the embedded Kafka needs Maven (mvn) once, and it is not on the PATH',
      {
        suggestion:
          'install it (Debian: apt install maven), or use a Kafka that runs already with --bootstrap-servers',
      },
    )
  }
  if (done.code === 0 && (await holdsKafka(folder))) return
  const reason = done.output.split('\n').find((line) => line.includes('ERROR'))
  throw new CommandError(
    'dev.environment',
    `Maven could not resolve the jars of Apache Kafka: ${(reason ?? done.output).trim()}`,
    {
      suggestion: 'check the network and the mirror in ~/.m2/settings.xml, then try again',
    },
  )
}

/** Another process may have been faster: then its folder stands, and ours is thrown away. */
async function moveInto(unfinished: string, folder: string): Promise<void> {
  try {
    await rename(unfinished, folder)
  } catch (error) {
    if (await holdsKafka(folder)) return
    await rm(folder, { recursive: true, force: true })
    await rename(unfinished, folder)
    if (!(await holdsKafka(folder))) throw error
  }
}
