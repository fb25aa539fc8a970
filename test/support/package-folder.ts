import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { REPOSITORY } from './process.ts'
import { type SluiceDev, startSluiceDev } from './sluice-dev.ts'
import { onPorts, outputOf, type Ports } from './typed-commands.ts'

export interface PackageFolder {
  readonly folder: string
  readonly dev: SluiceDev
  readonly ports: Ports
  /** Runs a command there as a page has it, on the ports of this `sluice dev`; its output. */
  run(command: string): Promise<string>
  /** Writes a file of a page, for these ports. */
  put(file: string, text: string): Promise<void>
  stop(): Promise<void>
}

const SLUICE = path.join(REPOSITORY, 'src/cli/main.ts')
/** What npx starts: the program of the checkout, which has no compiled one. */
const BIN = `#!/bin/sh\nexec ${process.execPath} --conditions=source ${SLUICE} "$@"\n`

/**
 * A folder as it is after `npm install sluice` and these packages of the checkout, with a running `sluice dev` in a
 * cluster of its own over the shared Kafka, whose models are in `models/` there. The packed package itself is tested
 * by test/long/packaging.test.ts.
 */
export async function startPackageFolder(
  packages: readonly string[],
  configs: readonly string[],
): Promise<PackageFolder> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-folder-'))
  const dev = await startSluiceDev({ CONNECT_MODELS_DIR: path.join(folder, 'models') })
  const [kafka, registry, rest] = [dev.bootstrapServers, dev.schemaRegistry, dev.rest].map((url) =>
    Number(url.split(':').at(-1)),
  ) as [number, number, number]
  const ports = { kafka, registry, rest }
  const put = async (file: string, text: string) => {
    await mkdir(path.dirname(path.join(folder, file)), { recursive: true })
    await writeFile(path.join(folder, file), onPorts(text, ports), { mode: 0o755 })
  }
  await put('node_modules/.bin/sluice', BIN)
  for (const config of configs)
    await put(`node_modules/sluice/${config}`, await readFile(path.join(REPOSITORY, config), 'utf8'))
  const links = packages.map((name) => [path.join('node_modules', name), name] as const)
  for (const [from, name] of [
    ...links,
    ['schemas', 'sluice/schemas'],
    ['models', 'sluice/models'],
  ] as const) {
    const target = path.join(folder, 'node_modules', name)
    await mkdir(path.dirname(target), { recursive: true })
    await symlink(path.join(REPOSITORY, from), target)
  }
  return {
    ...{ folder, dev, ports, put },
    run: (command) => outputOf(onPorts(command, ports), { cwd: folder }),
    stop: async () => {
      await dev.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
