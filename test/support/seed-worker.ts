import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { clusterTopics } from './cluster-topics.ts'
import { eventually, uniqueName } from './eventually.ts'
import { freePort, sharedKafka } from './kafka.ts'
import { sluice } from './process.ts'
import { call, untilTasks } from './sluice-dev.ts'
import { countRecords, fillTopic, readTopic } from './topics.ts'

const CONFIGS = path.resolve(import.meta.dirname, '../../config/connectors/seed')
/** Where the integration tests of a checkout find models and pictures that it does not ship. */
export const SHARED_FIXTURES = path.resolve(import.meta.dirname, '../../../shared/fixtures')
/** Photos that the repository has. */
export const PHOTOS = path.resolve(import.meta.dirname, '../fixtures/images')

export interface SeedWorker {
  /** Its REST API. */
  readonly rest: string
  /** Puts a file into the worker's models.dir as the model `name`. */
  addModel(name: string, file: string, bytes: Buffer): Promise<void>
  /** Puts a folder there. */
  addModelFolder(name: string, folder: string): Promise<void>
  /** Creates the connector of a file in config/connectors/seed, sends it texts, and returns the texts it makes of them. */
  run(
    connector: string,
    inputs: readonly string[],
    more?: Readonly<Record<string, string>>,
  ): Promise<readonly string[]>
  stop(): Promise<void>
}

/** One worker over the shared Kafka of the mocha run, with a models.dir of its own. */
export async function startSeedWorker(): Promise<SeedWorker> {
  const { bootstrapServers } = await sharedKafka()
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-seed-'))
  const models = path.join(folder, 'models')
  await mkdir(models)
  const id = uniqueName('seed')
  const rest = `http://127.0.0.1:${await freePort()}`
  const storage = Object.entries(clusterTopics(id)).map(([key, value]) => `${key}=${value}`)
  const settings = [
    ...[`bootstrap.servers=${bootstrapServers}`, `group.id=${id}`, `listeners=${rest}`],
    ...[`models.dir=${models}`, `models.allowed.dirs=${SHARED_FIXTURES}`],
    `images.allowed.dirs=${SHARED_FIXTURES},${PHOTOS}`,
  ]
  const file = path.join(folder, 'worker.properties')
  await writeFile(file, [...settings, ...storage].join('\n'))
  const worker = sluice(['worker', file])
  await eventually(async () => (await fetch(`${rest}/health`)).status === 200, { timeoutMs: 60_000 })
  return {
    rest,
    async addModel(name, fileName, bytes) {
      await mkdir(path.join(models, name))
      await writeFile(path.join(models, name, fileName), bytes)
    },
    addModelFolder: (name, from) => cp(from, path.join(models, name), { recursive: true }),
    async run(connector, inputs, more = {}) {
      const [source, target] = [uniqueName('in'), uniqueName('out')]
      const records = inputs.map((text, i) => ({ key: String(i), value: Buffer.from(text) }))
      await fillTopic(bootstrapServers, source, 1, records)
      const { name, config } = JSON.parse(
        await readFile(path.join(CONFIGS, `${connector}.json`), 'utf8'),
      ) as { name: string; config: Record<string, string> }
      const changed = { ...config, topics: source, 'target.topic': target, ...more }
      const created = await call(rest, 'POST', '/connectors', { name, config: changed })
      if (created.status !== 201) throw new Error(`${name}: ${JSON.stringify(created.body)}`)
      await untilTasks(rest, name, 'RUNNING')
      await eventually(
        async () => {
          const { body } = await call(rest, 'GET', `/connectors/${name}/status`)
          const { tasks } = body as { tasks: { state: string; trace?: string }[] }
          const failed = tasks.find(({ state }) => state === 'FAILED')
          return failed !== undefined || (await countRecords(bootstrapServers, target)) >= inputs.length
        },
        { timeoutMs: 60_000, everyMs: 100 },
      )
      const { body } = await call(rest, 'GET', `/connectors/${name}/status`)
      const { tasks } = body as { tasks: { state: string; trace?: string }[] }
      for (const { state, trace } of tasks) if (state === 'FAILED') throw new Error(trace)
      await call(rest, 'DELETE', `/connectors/${name}`)
      const messages = await readTopic(bootstrapServers, target)
      return messages.map(({ value }) => value?.toString('utf8') ?? '')
    },
    async stop() {
      worker.signal('SIGTERM')
      await worker.exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}
