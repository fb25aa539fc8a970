import { cp } from 'node:fs/promises'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { eventually } from '../support/eventually.ts'
import { type PackageFolder, startPackageFolder } from '../support/package-folder.ts'
import { codeBlock, readPage } from '../support/pages.ts'
import { REPOSITORY, type StartedProcess } from '../support/process.ts'
import { untilTasks } from '../support/sluice-dev.ts'
import { commandsOf, onPorts, typed } from '../support/typed-commands.ts'

const PAGE = 'docs/guides/kafkajs.md'
const PRODUCE = codeBlock('docs/guides/kafkajs.md', "import { readFileSync } from 'node:fs'")
const CONSUME = codeBlock('docs/guides/kafkajs.md', "import { SchemaRegistry } from '@kafkajs")
const [CREATE = '', CREATE_TARGET = '', CONNECT = '', INSTALL = ''] = commandsOf(
  codeBlock('docs/guides/kafkajs.md', 'npx sluice topics'),
)
const [RUN_PRODUCE = '', RUN_CONSUME = ''] = commandsOf(
  codeBlock('docs/guides/kafkajs.md', 'node produce.mjs'),
)

/** The packages that the guide installs; the test takes the checkout's own instead of asking the registry. */
const PACKAGES = INSTALL.replace('npm install ', '').split(' ')

describe('the guide for kafkajs', function () {
  this.timeout(120_000)
  let home: PackageFolder
  let reader: StartedProcess | undefined

  before(async () => {
    home = await startPackageFolder(PACKAGES, ['config/connectors/flight-delay.json'])
    await cp(path.join(REPOSITORY, 'models/airline-delay'), path.join(home.folder, 'models/airline-delay'), {
      recursive: true,
    })
    await home.put('produce.mjs', PRODUCE)
    await home.put('consume.mjs', CONSUME)
  })
  after(async () => {
    reader?.kill()
    await home.stop()
  })

  it('installs exactly kafkajs, @kafkajs/confluent-schema-registry and avsc', () => {
    expect(PACKAGES).to.deep.equal(['kafkajs', '@kafkajs/confluent-schema-registry', 'avsc'])
    const imported = [...`${PRODUCE}${CONSUME}`.matchAll(/ from '([^']+)'/g)].map(([, name = '']) => name)
    expect(new Set(imported)).to.deep.equal(new Set(['node:fs', ...PACKAGES]))
  })

  it('writes flights to the connector and reads them with their scores', async () => {
    await home.run(CREATE)
    await home.run(CREATE_TARGET)
    expect(await home.run(CONNECT)).to.contain('"name":"flight-delay"')
    await untilTasks(home.dev.rest, 'flight-delay', 'RUNNING')
    await home.run(RUN_PRODUCE)
    reader = typed(onPorts(RUN_CONSUME, home.ports), { cwd: home.folder })
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
    await home.put('produce.mjs', PRODUCE.replace('Distance: 719', "Distance: '719'"))
    const promised = /`(TypeError: Distance [^`]*)`/.exec(readPage(PAGE))?.[1] ?? 'no promise'
    const failed = await home.run(RUN_PRODUCE).then(
      () => 'no error',
      (error: unknown) => String(error),
    )
    expect(failed).to.contain(promised).and.to.contain('exit code 1')
  })
})
