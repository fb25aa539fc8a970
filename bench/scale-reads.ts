/**
 * A worker that starts on a config topic with much history, and lists hundreds of connectors over HTTP with their states:
 * `npm run bench:scale-reads -- [--records 100000] [--connectors 600] [--requests 50]`.
 */
import { writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { describeFailure } from '../src/cli/failure.ts'
import { eventually } from '../test/support/eventually.ts'
import { kafkajsClient } from '../test/support/kafka.ts'
import { REPOSITORY, say } from './support/job.ts'
import { machine } from './support/report.ts'
import { type BenchCluster, openCluster, recordsIn } from './support/scale/cluster.ts'
import { latencyOf } from './support/scale/requests.ts'
import { usageOf } from './support/scale/usage.ts'

const RESULT_FILE = path.join(REPOSITORY, 'bench', 'results', 'scale-reads.json')
/** Some 450 kB of records: a broker takes a megabyte at a time. */
const CHUNK = 500
const CONFIG_TOPIC = 'connect-configs'

function readOptions() {
  const { values } = parseArgs({
    options: {
      records: { type: 'string', default: '100000' },
      connectors: { type: 'string', default: '600' },
      requests: { type: 'string', default: '50' },
    },
  })
  return {
    records: Number(values.records),
    connectors: Number(values.connectors),
    requests: Number(values.requests),
  }
}

/** Stopped connectors whose configurations were changed again and again: nothing runs, everything is there to be read. */
async function writeHistory(cluster: BenchCluster, records: number, connectors: number): Promise<void> {
  const producer = kafkajsClient(cluster.broker.bootstrapServers).producer()
  await producer.connect()
  const name = (n: number): string => `connector-${String(n % connectors).padStart(4, '0')}`
  const more = Object.fromEntries(
    Array.from({ length: 10 }, (_, n) => [`header.converter.key.${n}`, 'x'.repeat(30)]),
  )
  const properties = (n: number) => ({
    ...{ 'connector.class': 'FileStreamSink', 'tasks.max': '5', topics: `topic-${n}`, file: '/dev/null' },
    ...{ 'value.converter': 'StringConverter', 'errors.tolerance': 'all', name: name(n), ...more },
  })
  const stopped = Array.from({ length: connectors }, (_, n) => ({
    key: `target-state-${name(n)}`,
    value: JSON.stringify({ state: 'PAUSED', 'state.v2': 'STOPPED' }),
  }))
  const changes = Array.from({ length: records - connectors }, (_, n) => ({
    key: `connector-${name(n)}`,
    value: JSON.stringify({ properties: properties(n) }),
  }))
  const all = [...stopped, ...changes]
  for (let at = 0; at < all.length; at += CHUNK)
    await producer.send({ topic: CONFIG_TOPIC, messages: all.slice(at, at + CHUNK) })
  await producer.disconnect()
}

async function list(
  url: string,
): Promise<{ readonly ms: number; readonly status: number; readonly bytes: number }> {
  const began = performance.now()
  const response = await fetch(`${url}/connectors?expand=status&expand=info`)
  const { byteLength: bytes } = await response.arrayBuffer()
  return { ms: performance.now() - began, status: response.status, bytes }
}

async function measure({ records, connectors, requests }: ReturnType<typeof readOptions>) {
  const about = await machine()
  const cluster = await openCluster({ workers: 1, settings: {} })
  const [worker] = cluster.workers
  if (worker === undefined) throw new Error('there is no worker')
  await worker.end('SIGTERM')
  say(`writing ${records} records`)
  await writeHistory(cluster, records, connectors)
  const found = await recordsIn(cluster.admin, CONFIG_TOPIC)
  say('starting a worker')
  const began = performance.now()
  await worker.start()
  const seconds = (performance.now() - began) / 1000
  const used = () => usageOf({ workers: [worker.pid], hosts: [], broker: [] }).workers
  const usage = used()
  await eventually(
    async () => {
      const all = (await (await fetch(`${worker.url}/connectors?expand=status`)).json()) as object
      return Object.keys(all).length === connectors
    },
    { timeoutMs: 120_000, everyMs: 200 },
  )
  const samples = []
  const before = used().cpuSeconds
  for (let n = 0; n < requests; n++) samples.push(await list(worker.url))
  // Of the worker alone: a figure that other programs on the machine hardly change.
  const cpuMs = Math.round(((used().cpuSeconds - before) * 1000) / requests)
  await cluster.close()
  const start = { records: found, seconds: Math.round(seconds * 100) / 100, cpuSeconds: usage.cpuSeconds }
  const listing = { connectors, bytes: samples[0]?.bytes ?? 0, cpuMs, ...latencyOf(samples) }
  return { machine: about, loadAverage: loadavg()[0] ?? 0, start, memoryMiB: usage.memoryMiB, list: listing }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
try {
  const result = await measure(readOptions())
  writeFileSync(RESULT_FILE, `${JSON.stringify(result, null, 2)}\n`)
  process.stdout.write(`${JSON.stringify(result)}\n`)
  process.exit(0)
} catch (error) {
  say(`bench: ${describeFailure(error)}`)
  process.exit(1)
}
