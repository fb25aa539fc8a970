import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { packageRoot } from './package-root.ts'

export interface DevWorker {
  readonly bootstrapServers: string
  readonly schemaRegistry: string
  readonly restPort: number
  readonly dataDir: string
}

/** Writes the settings of one worker of `sluice dev` and returns the file. */
export async function writeWorkerConfig(worker: DevWorker): Promise<string> {
  const settings = devSettings(worker)
  await mkdir(worker.dataDir, { recursive: true })
  const file = path.resolve(worker.dataDir, `worker-${worker.restPort}.json`)
  await writeFile(file, `${JSON.stringify(settings, null, 2)}\n`)
  return file
}

/** The settings of such a worker, with Kafka Connect's key names. */
export function devSettings(worker: Omit<DevWorker, 'dataDir'>): Readonly<Record<string, string | number>> {
  return {
    'bootstrap.servers': worker.bootstrapServers,
    'group.id': 'sluice-dev',
    'config.storage.topic': 'connect-configs',
    'config.storage.replication.factor': 1,
    'offset.storage.topic': 'connect-offsets',
    'offset.storage.partitions': 5,
    'offset.storage.replication.factor': 1,
    'status.storage.topic': 'connect-status',
    'status.storage.replication.factor': 1,
    listeners: `http://127.0.0.1:${worker.restPort}`,
    'key.converter': 'ByteArrayConverter',
    'value.converter': 'AvroConverter',
    'value.converter.schema.registry.url': worker.schemaRegistry,
    'models.dir': modelsDir(),
    // Pictures that records only name: those of this folder, nothing else of the machine.
    'images.allowed.dirs': path.resolve('images'),
  }
}

/** `models/` in the present folder; else the models that come with the package. */
export function modelsDir(): string {
  const here = path.resolve('models')
  return existsSync(here) ? here : path.join(packageRoot(), 'models')
}
