import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { decodeOffsets } from '../../src/worker/stores/java-offsets.ts'
import golden from '../conformance/golden/offset-files.json' with { type: 'json' }
import { eventually, uniqueName } from '../support/eventually.ts'
import { freePort, sharedKafka } from '../support/kafka.ts'
import { codeBlock } from '../support/pages.ts'
import { REPOSITORY, sluice, type StartedProcess } from '../support/process.ts'
import { call, untilTasks } from '../support/sluice-dev.ts'
import { readTopic } from '../support/topics.ts'

const HEADER = 'f1,f2,f3,f4,f5,f6,f7,f8,f9\n'
/** Written by Kafka Connect's own class: it stands behind the header, so that this is never read. */
const FROM_JAVA = golden.find(({ name }) => name === 'a file behind its first line')?.file ?? ''
const PATIENT = { timeoutMs: 120_000, everyMs: 100 }

const NAMES = ['readings', 'scores', 'results']
const DEFAULTS = {
  'topic.creation.default.partitions': '1',
  'topic.creation.default.replication.factor': '1',
}

const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => `${from + i},0,83,0,46,8,37,36,0\n`).join('')

/** What a killed worker's sinks hold is free after it. */
const SHORT_SESSION = { CONNECT_SESSION_TIMEOUT_MS: '6000' }

/** The page docs/standalone.md, done word for word, in one process that is killed in the middle. */
describe('a standalone worker on a real broker', function () {
  this.timeout(300_000)
  let folder: string
  let bootstrapServers: string
  let rest: string
  let worker: StartedProcess
  const topic = uniqueName('shuttle')

  const inFolder = (name: string): string => path.join(folder, name)
  const start = (args: readonly string[], env: Readonly<Record<string, string>> = {}): StartedProcess => {
    const models = path.join(REPOSITORY, 'models')
    return sluice(args, { cwd: folder, env: { CONNECT_MODELS_DIR: models, ...SHORT_SESSION, ...env } })
  }
  const command = (): string[] => {
    const written = codeBlock('docs/standalone.md', 'sluice standalone worker.properties')
    return written.trim().split(' ').slice(1)
  }

  before(async () => {
    bootstrapServers = (await sharedKafka()).bootstrapServers
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-standalone-'))
    rest = `http://127.0.0.1:${await freePort()}`
    const write = (name: string, text: string) => writeFile(inFolder(name), text)
    await write(
      'worker.properties',
      codeBlock('docs/standalone.md', 'bootstrap.servers=127.0.0.1:9092')
        .replace('127.0.0.1:9092', bootstrapServers)
        .replace('http://127.0.0.1:8083', rest),
    )
    const named = (text: string) => text.replaceAll(/(topics?"?[=:] ?"?)shuttle/g, `$1${topic}`)
    await write('readings.properties', named(codeBlock('docs/standalone.md', 'name=readings')))
    await write('scores.json', named(codeBlock('docs/standalone.md', '{\n  "name": "scores"')))
    await write('results.properties', named(codeBlock('docs/standalone.md', 'name=results')))
    await writeFile(inFolder('connect.offsets'), Buffer.from(FROM_JAVA, 'base64'))
    await write('readings.csv', HEADER + lines(0, 500))
    worker = start(command())
  })

  after(async () => {
    worker.signal('SIGTERM')
    await worker.exited
    await rm(folder, { recursive: true, force: true })
  })

  const results = async (): Promise<number[]> => {
    const text = await readFile(inFolder('results.jsonl'), 'utf8').catch(() => '')
    const whole = text.split('\n').slice(0, -1)
    return whole.map((line) => {
      const { f1, is_anomaly } = JSON.parse(line) as { f1: number; is_anomaly: boolean }
      expect(is_anomaly).to.be.a('boolean')
      return f1
    })
  }
  const stored = async (): Promise<string[]> =>
    decodeOffsets(await readFile(inFolder('connect.offsets'))).map(
      ({ key, value }) => `${String(key)} ${String(value)}`,
    )
  const at = (position: number): string => `["readings",{"filename":"readings.csv"}] {"position":${position}}`

  it('takes lines through a topic and a model into a file, and loses none when it is killed', async () => {
    const half = HEADER.length + lines(0, 500).length
    await eventually(async () => (await stored()).includes(at(half)), PATIENT)
    await appendFile(inFolder('readings.csv'), lines(500, 1000))
    worker.kill()
    await worker.exited
    worker = start(command(), { CONNECT_OFFSET_FLUSH_INTERVAL_MS: '3600000' }) // it is told at its end alone
    await eventually(async () => expect(new Set(await results()).size).to.equal(1000), PATIENT)
    const read = (await readTopic(bootstrapServers, topic)).map(({ value }) => Number.parseInt(String(value)))
    expect(read.slice(0, 500), 'it goes on behind what is stored').to.deep.equal([...Array(500).keys()])
    expect(Math.min(...read.slice(500))).to.equal(500)
    for (const name of NAMES) await untilTasks(rest, name, 'RUNNING')
  })

  it('refuses to start where something is in its way, with one sentence and an exit code', async () => {
    const free = { CONNECT_LISTENERS: 'http://127.0.0.1:0' }
    const own = { ...free, CONNECT_OFFSET_STORAGE_FILE_FILENAME: inFolder('bad.offsets') }
    await writeFile(inFolder('bad.json'), '{"name":"bad","connector.class":"NoSuchSource","topic":"t"}')
    const settings = 'worker.properties'
    const wrong: readonly (readonly [number, string, readonly string[], Record<string, string>])[] = [
      [3, 'connect.offsets belongs to another worker', [settings], free],
      [3, 'Connector bad (bad.json) does not start: Connector configuration', [settings, 'bad.json'], own],
      [3, 'The connector file none.json cannot be read', [settings, 'none.json'], {}],
      [2, 'none.properties: cannot be read', ['none.properties'], {}],
      [2, `Port ${new URL(rest).port} on 127.0.0.1 is taken`, [settings], {}],
    ]
    const runs = wrong.map(async ([code, sentence, args, env]) => {
      const run = start(['standalone', ...args], env)
      expect(await run.exited, `${sentence}: ${run.stderr()}`).to.equal(code)
      expect(run.stderr()).to.contain(sentence)
    })
    await Promise.all(runs)
    expect((await call(rest, 'GET', '/health')).status).to.equal(200)
  })

  it('takes connectors over REST too, writes offsets at Ctrl-C, and ends with 0', async () => {
    const file = inFolder('more.txt')
    await writeFile(file, 'one\n')
    const more = `${topic}-more`
    const config = { 'connector.class': 'FileStreamSource', file, topic: more, ...DEFAULTS }
    const created = await call(rest, 'POST', '/connectors', { name: 'more', config })
    expect(created.status, JSON.stringify(created.body)).to.equal(201)
    await untilTasks(rest, 'more', 'RUNNING')
    expect((await call(rest, 'GET', '/connectors')).body).to.have.members(['more', ...NAMES])
    await eventually(async () => (await readTopic(bootstrapServers, more)).length === 1, PATIENT)
    worker.signal('SIGINT')
    expect(await worker.exited).to.equal(0)
    expect(await stored()).to.have.members([
      at(HEADER.length + lines(0, 1000).length),
      `["more",{"filename":"${file}"}] {"position":4}`,
    ])
  })
})
