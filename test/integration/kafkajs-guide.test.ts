import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { eventually, uniqueName } from '../support/eventually.ts'
import { codeBlock, readPage } from '../support/pages.ts'
import { REPOSITORY, type StartedProcess } from '../support/process.ts'
import { type SluiceDev, startSluiceDev, untilTasks } from '../support/sluice-dev.ts'
import { commandsOf, onPorts, outputOf, type Ports, typed } from '../support/typed-commands.ts'

const PAGE = 'docs/guides/kafkajs.md'
const PRODUCE = codeBlock(PAGE, "import { readFileSync } from 'node:fs'")
const CONSUME = codeBlock(PAGE, "import { SchemaRegistry } from '@kafkajs")
const [CREATE = '', CONNECT = '', INSTALL = ''] = commandsOf(codeBlock(PAGE, 'npx sluice topics'))
const [RUN_PRODUCE = '', RUN_CONSUME = ''] = commandsOf(codeBlock(PAGE, 'node produce.mjs'))

/** The packages that the guide installs; the test takes the checkout's own instead of asking the registry. */
const PACKAGES = INSTALL.replace('npm install ', '').split(' ')

describe('the guide for kafkajs', function () {
  this.timeout(120_000)
  let dev: SluiceDev
  let folder: string
  let ports: Ports
  let reader: StartedProcess | undefined

  const run = (command: string) => outputOf(onPorts(command, ports), { cwd: folder })

  before(async () => {
    const group = uniqueName('kafkajs')
    dev = await startSluiceDev({
      ...{ CONNECT_GROUP_ID: group, CONNECT_CONFIG_STORAGE_TOPIC: `${group}-configs` },
      ...{
        CONNECT_OFFSET_STORAGE_TOPIC: `${group}-offsets`,
        CONNECT_STATUS_STORAGE_TOPIC: `${group}-status`,
      },
    })
    const portOf = (url: string) => Number(url.split(':').at(-1))
    ports = {
      kafka: portOf(dev.bootstrapServers),
      registry: portOf(dev.schemaRegistry),
      rest: portOf(dev.rest),
    }
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-kafkajs-'))
    for (const name of PACKAGES) await link(path.join('node_modules', name), name)
    await link('src', 'sluice/src')
    await link('bin', 'sluice/bin')
    await link('schemas', 'sluice/schemas')
    const config = 'config/connectors/flight-delay.json'
    await put(`node_modules/sluice/${config}`, await readFile(path.join(REPOSITORY, config), 'utf8'))
    await put('node_modules/.bin/sluice', SLUICE_BIN)
    await put('produce.mjs', PRODUCE)
    await put('consume.mjs', CONSUME)
  })
  after(async () => {
    reader?.kill()
    await dev.stop()
    await rm(folder, { recursive: true, force: true })
  })

  async function link(from: string, name: string): Promise<void> {
    const target = path.join(folder, 'node_modules', name)
    await mkdir(path.dirname(target), { recursive: true })
    await symlink(path.join(REPOSITORY, from), target)
  }

  async function put(file: string, text: string): Promise<void> {
    const target = path.join(folder, file)
    await mkdir(path.dirname(target), { recursive: true })
    await writeFile(target, onPorts(text, ports), { mode: 0o755 })
  }

  it('installs exactly kafkajs, @kafkajs/confluent-schema-registry and avsc', () => {
    expect(PACKAGES).to.deep.equal(['kafkajs', '@kafkajs/confluent-schema-registry', 'avsc'])
    const imported = [...`${PRODUCE}${CONSUME}`.matchAll(/ from '([^']+)'/g)].map(([, name = '']) => name)
    expect(new Set(imported)).to.deep.equal(new Set(['node:fs', ...PACKAGES]))
  })

  it('writes flights to the connector and reads them with their scores', async () => {
    await run(CREATE)
    expect(await run(CONNECT)).to.contain('"name":"flight-delay"')
    await untilTasks(dev.rest, 'flight-delay', 'RUNNING')
    await run(RUN_PRODUCE)
    reader = typed(onPorts(RUN_CONSUME, ports), { cwd: folder })
    const scored = await eventually(
      () => {
        const lines = (reader?.stdout() ?? '').split('\n').filter((line) => line.startsWith('{"flight"'))
        return lines.length === 2 ? lines.map((line) => JSON.parse(line) as Record<string, unknown>) : null
      },
      { timeoutMs: 30_000 },
    )
    for (const { Year, TailNum, p_NO, p_YES, model_version } of scored) {
      expect({ Year, TailNum, model_version }).to.deep.equal({
        Year: 2013,
        TailNum: null,
        model_version: '1',
      })
      expect(Number(p_NO) + Number(p_YES)).to.be.closeTo(1, 1e-12)
    }
    const predictions = scored.map(({ flight, prediction }) => `${String(flight)}: ${String(prediction)}`)
    expect(predictions).to.have.members(['EV4333: YES', 'DL461: NO'])
  })

  it('says which field of a flight is wrong, as it promises', async () => {
    await put('produce.mjs', PRODUCE.replace('Distance: 719', "Distance: '719'"))
    const promised = /`(TypeError: Distance [^`]*)`/.exec(readPage(PAGE))?.[1] ?? 'no promise'
    const failed = await run(RUN_PRODUCE).then(
      () => 'no error',
      (error: unknown) => String(error),
    )
    expect(failed).to.contain(promised).and.to.contain('exit code 1')
  })
})

/** What npx starts; a checkout has no compiled program. */
const SLUICE_BIN = `#!/bin/sh\nexec ${process.execPath} --conditions=source ${path.join(REPOSITORY, 'src/cli/main.ts')} "$@"\n`
