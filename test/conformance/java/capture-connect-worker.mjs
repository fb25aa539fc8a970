// Usage: node capture-connect-worker.mjs HOST:PORT LIB_FOLDER > ../golden/connect-worker.json   (see README.md)
// Starts a real ConnectDistributed 4.3.1 against a broker, gives it a connector, and prints what the broker has of it.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'

const [servers, lib] = process.argv.slice(2)
const folder = mkdtempSync(path.join(tmpdir(), 'connect-worker-'))
const port = await new Promise((resolve) => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address()
    server.close(() => resolve(port))
  })
})
const group = `capture-${port}`
const settings = {
  'bootstrap.servers': servers,
  'group.id': group,
  listeners: `http://127.0.0.1:${port}`,
  'rest.advertised.host.name': '127.0.0.1',
  'key.converter': 'org.apache.kafka.connect.converters.ByteArrayConverter',
  'value.converter': 'org.apache.kafka.connect.converters.ByteArrayConverter',
  'config.storage.topic': `${group}-configs`,
  'offset.storage.topic': `${group}-offsets`,
  'status.storage.topic': `${group}-status`,
  'config.storage.replication.factor': 1,
  'offset.storage.replication.factor': 1,
  'status.storage.replication.factor': 1,
}
const file = path.join(folder, 'worker.properties')
writeFileSync(
  file,
  Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join(''),
)
const main = 'org.apache.kafka.connect.cli.ConnectDistributed'
const worker = spawn('java', ['-Xmx256m', '-cp', path.join(lib, '*'), main, file], { stdio: 'ignore' })
const admin = new Kafka({ brokers: [servers], logLevel: logLevel.NOTHING }).admin()
const base = `http://127.0.0.1:${port}`

async function until(what, check) {
  for (let tries = 0; tries < 600; tries++) {
    const found = await Promise.resolve()
      .then(check)
      .catch(() => undefined)
    if (found) return found
    await sleep(200)
  }
  throw new Error(`gave up waiting for ${what}`)
}

async function member() {
  const { groups } = await admin.describeGroups([group])
  const [found] = groups[0].members
  return {
    protocolType: groups[0].protocolType,
    protocol: groups[0].protocol,
    state: groups[0].state,
    ...found,
  }
}

function shown(at, { protocolType, protocol, memberId, memberMetadata, memberAssignment }) {
  const metadata = memberMetadata.toString('hex')
  return { at, protocolType, protocol, memberId, metadata, assignment: memberAssignment.toString('hex') }
}

try {
  await admin.connect()
  await until('health', async () => (await fetch(`${base}/health`)).ok)
  const members = [shown('alone, nothing to run', await until('member', member))]
  const config = {
    'connector.class': 'org.apache.kafka.connect.file.FileStreamSinkConnector',
    'tasks.max': '2',
    topics: `${group}-in`,
    file: path.join(folder, 'out'),
  }
  await admin.createTopics({ topics: [{ topic: `${group}-in` }] })
  for (const name of ['flight-delay', 'other']) {
    await until(name, async () => {
      const body = JSON.stringify({ name, config })
      const headers = { 'content-type': 'application/json' }
      return (await fetch(`${base}/connectors`, { method: 'POST', headers, body })).status === 201
    })
    const running = async () => {
      const { connector, tasks } = await (await fetch(`${base}/connectors/${name}/status`)).json()
      return (
        connector.state === 'RUNNING' && tasks.length === 2 && tasks.every((task) => task.state === 'RUNNING')
      )
    }
    await until(`${name} to run`, running)
    await sleep(1000)
    members.push(shown(`${name} runs with two tasks`, await member()))
  }
  const by = 'org.apache.kafka:connect-runtime:4.3.1 ConnectDistributed, read with DescribeGroups'
  console.log(JSON.stringify({ by, url: `${base}/`, members }, null, 2))
} finally {
  await admin.disconnect()
  worker.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
}
