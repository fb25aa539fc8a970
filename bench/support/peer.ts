import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Admin } from 'kafkajs'
import { startProcess, type StartedProcess } from '../../test/support/process.ts'
import { FLIGHT_SCHEMA_FILE, type Source } from './data.ts'
import { type Job, type Measured, REPOSITORY, TASKS } from './job.ts'
import { buildPeer, type PeerProgram } from './peer-jars.ts'
import { registerSchema } from './registry.ts'
import { untilAllWritten } from './topics.ts'

const STOP_MS = 25_000

/**
 * The job on the JVM: Kafka Streams, avro, h2o-genmodel. Its time and its CPU count from its first record, as it tells
 * itself: not the start of the JVM, of Streams and of the model, but all that is compiled afterwards.
 */
export async function runPeer(job: Job, admin: Admin, source: Source): Promise<Measured> {
  const peer = await start(job, source, await buildPeer())
  let ended: number | NodeJS.Signals | undefined
  void peer.exited.then((code) => (ended = code))
  const look = async (): Promise<void> => {
    if (ended !== undefined) throw new Error(`the JVM peer ended (${ended}): ${peer.stderr().slice(-2000)}`)
    return Promise.resolve()
  }
  try {
    const end = await untilAllWritten({ name: 'JVM peer', job, admin, pid: peer.pid, look })
    const first = firstEvent(peer.stdout())
    return {
      seconds: (end.at - first.at) / 1000,
      cpuSeconds: end.cpuSeconds - first.cpuNanos / 1e9,
      peakRssBytes: end.peakRssBytes,
      written: end.written,
    }
  } finally {
    await stop(peer)
  }
}

async function start(job: Job, source: Source, { java, classPath }: PeerProgram): Promise<StartedProcess> {
  const outputSchema = scoredSchema(source.schema)
  const outputFile = path.join(job.folder, `${job.id}.avsc`)
  await writeFile(outputFile, outputSchema)
  const options: Record<string, string | number> = {
    bootstrap: job.bootstrapServers,
    source: job.source,
    target: job.target,
    model: path.join(REPOSITORY, 'models', 'airline-delay', 'airline-delay.mojo.zip'),
    schema: FLIGHT_SCHEMA_FILE,
    'output-schema': outputFile,
    'output-schema-id': await registerSchema(job.registry, `${job.target}-value`, outputSchema),
    threads: TASKS,
    'application-id': job.id,
    'state-dir': path.join(job.folder, job.id),
  }
  const jvm = ['-Xmx1g', '-XX:+UseParallelGC', '-cp', classPath, 'Peer']
  return startProcess(java, [
    ...jvm,
    ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]),
  ])
}

/** The flight and what the model says of it. */
function scoredSchema(flight: string): string {
  const schema = JSON.parse(flight) as { name: string; fields: object[] }
  const appended = [
    { name: 'prediction', type: 'string' },
    { name: 'p_NO', type: 'double' },
    { name: 'p_YES', type: 'double' },
    { name: 'model_version', type: 'string' },
  ]
  return JSON.stringify({ ...schema, fields: [...schema.fields, ...appended] })
}

interface FirstEvent {
  readonly cpuNanos: number
  readonly at: number
}

function firstEvent(stdout: string): FirstEvent {
  const line = stdout.split('\n').find((each) => each.startsWith('{"event":"first"'))
  if (line === undefined) throw new Error('the JVM peer did not say when it began')
  return JSON.parse(line) as FirstEvent
}

async function stop(peer: StartedProcess): Promise<void> {
  peer.signal('SIGTERM')
  const late = setTimeout(() => peer.kill(), STOP_MS)
  await peer.exited
  clearTimeout(late)
}
