import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { SILENT } from '../../src/api/log.ts'
import { kafkaJars } from '../../src/dev/kafka-jars.ts'
import { startProcess, type StartedProcess } from '../support/process.ts'
import { pythonWith } from '../support/python.ts'
import { readSeen, readSent, type Seen, type Sent } from './audit.ts'

const CLIENTS = path.join(import.meta.dirname, 'clients')
const REQUIREMENTS = path.join(CLIENTS, 'requirements.txt')

export type Isolation = 'read_committed' | 'read_uncommitted'

export interface Writing {
  /** How many records the broker has acknowledged so far. */
  acknowledged(): number
  /** All that was acknowledged, when the last one is. */
  readonly done: Promise<ReadonlyMap<number, Sent>>
}

export interface WriteOptions {
  readonly partitions: number
  readonly records: number
  /** 0: as fast as it goes. */
  readonly perSecond: number
  readonly schemaId: number
  /** Every how many-th record cannot be read; 0: none. */
  readonly poisonEvery?: number
}

async function logFile(): Promise<string> {
  return path.join(await mkdtemp(path.join(tmpdir(), 'sluice-audit-')), 'log')
}

async function java(program: string, args: readonly string[]): Promise<StartedProcess> {
  const classPath = path.join(await kafkaJars(SILENT), '*')
  return startProcess('java', ['-Xmx512m', '-cp', classPath, path.join(CLIENTS, `${program}.java`), ...args])
}

async function untilDone(process: StartedProcess, what: string): Promise<void> {
  const code = await process.exited
  if (code !== 0 || !process.stdout().includes('done '))
    throw new Error(
      `${what} ended with ${code}: ${process.stdout().slice(-300)}${process.stderr().slice(-2000)}`,
    )
}

/** Apache Kafka's producer; see clients/AuditWriter.java. */
export async function startWriting(servers: string, topic: string, options: WriteOptions): Promise<Writing> {
  const { partitions, records, perSecond, schemaId, poisonEvery = 0 } = options
  const file = await logFile()
  const args = [partitions, records, perSecond, schemaId, poisonEvery].map(String)
  const process = await java('AuditWriter', [servers, topic, ...args, file])
  const all = async (): Promise<ReadonlyMap<number, Sent>> => {
    await untilDone(process, 'the writer')
    const sent = await readSent(file)
    if (sent.size !== records)
      throw new Error(
        `only ${sent.size} of ${records} records were acknowledged: ${process.stderr().slice(-1000)}`,
      )
    return sent
  }
  return {
    acknowledged: () => Number(/(\d+)(?: \d+)?\n$/.exec(process.stdout())?.[1] ?? 0),
    done: all(),
  }
}

/** All of a topic by Apache Kafka's consumer; see clients/AuditReader.java. */
export async function readByJava(servers: string, topic: string, isolation: Isolation): Promise<Seen> {
  const file = await logFile()
  await untilDone(await java('AuditReader', [servers, topic, isolation, file]), 'the Java reader')
  return readSeen(file)
}

/** Reads by Apache Kafka's consumer while things go wrong; the returned function lets it come to the end of the topic. */
export async function followByJava(servers: string, topic: string): Promise<() => Promise<Seen>> {
  const file = await logFile()
  const process = await java('AuditReader', [servers, topic, 'read_committed', file, 'follow'])
  return async () => {
    process.child.stdin?.end()
    await untilDone(process, 'the Java reader that follows')
    return readSeen(file)
  }
}

/** All of a topic by librdkafka; see clients/audit_reader.py. */
export async function readByLibrdkafka(servers: string, topic: string, isolation: Isolation): Promise<Seen> {
  const file = await logFile()
  const program = path.join(CLIENTS, 'audit_reader.py')
  await untilDone(
    startProcess(await pythonWith('librdkafka', REQUIREMENTS), [program, servers, topic, isolation, file]),
    'the librdkafka reader',
  )
  return readSeen(file)
}
