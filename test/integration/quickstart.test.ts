import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/kafka.ts'
import { codeBlock } from '../support/pages.ts'
import { allProcesses } from '../support/process-tree.ts'
import { startProcess, type StartedProcess } from '../support/process.ts'
import { commandsOf, onPorts, outputOf, typed } from '../support/typed-commands.ts'

const [QUICKSTART = ''] = commandsOf(codeBlock('README.md', 'npm run quickstart'))
const [DEV = '', CREATE = '', STATUS = ''] = commandsOf(codeBlock('README.md', 'npm run -s sluice -- dev'))

describe('npm run quickstart', function () {
  this.timeout(180_000)
  let dataDir = ''
  const started: StartedProcess[] = []

  before(async () => {
    dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-quickstart-'))
  })
  after(async () => {
    for (const { group } of leftovers()) process.kill(-group, 'SIGKILL')
    for (const each of started) each.kill()
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 })
  })

  /** Every process of ours names the data folder in its arguments. */
  const leftovers = () => allProcesses().filter((p) => p.command.includes(dataDir))

  async function begin(args: readonly string[], env: Record<string, string> = {}) {
    const free = [await freePort(), await freePort(), await freePort()]
    const options = ['--kafka-port', free[0], '--registry-port', free[1], '--rest-port', free[2]].map(String)
    const [npm = '', ...command] = QUICKSTART.replace('npm run', 'npm run -s').split(' ')
    const run = startProcess(npm, [...command, '--', ...options, '--data-dir', dataDir, ...args], { env })
    started.push(run)
    return { run, ports: free }
  }

  async function quickstart(args: readonly string[], env: Record<string, string> = {}) {
    const { run, ports } = await begin(args, env)
    const code = await run.exited
    return { code, stdout: run.stdout(), stderr: run.stderr(), ports }
  }

  it('scores the flights, prints a table and the summary as JSON, and stops everything', async () => {
    const { code, stdout, stderr, ports } = await quickstart(['--once', '--json'])
    expect(code, `${stdout}\n${stderr}\n${await readLog()}`).to.equal(0)
    expect(stdout).to.match(/^[A-Z0-9]{2} \d+ +2013-\d\d-\d\d +\d\d:\d\d .*(delayed|on time)/m)
    const { seconds, accuracy, auc, labels, records, modelsDir, ...addresses } = lastLine(stdout)
    expect(modelsDir).to.match(/models$/)
    expect(addresses).to.deep.equal({
      bootstrapServers: `127.0.0.1:${ports[0] ?? ''}`,
      schemaRegistry: `http://127.0.0.1:${ports[1] ?? ''}`,
      rest: [`http://127.0.0.1:${ports[2] ?? ''}`],
    })
    expect(records).to.equal(25_000)
    expect(seconds).to.be.above(0)
    const counts = labels as Record<string, number>
    expect(Object.keys(counts).sort()).to.deep.equal(['NO', 'YES'])
    expect((counts['NO'] ?? 0) + (counts['YES'] ?? 0)).to.equal(25_000)
    expect(auc).to.be.within(0.65, 0.95) // what its trainer measured lies between; chance is 0.5
    expect(accuracy).to.be.within(0.55, 0.95)
    expect(leftovers()).to.deep.equal([])
  })

  it('runs again on the data of the first run, stays up after the table, says where to go on, and stops at Ctrl-C', async () => {
    const { run, ports } = await begin(['--json'])
    const rest = `http://127.0.0.1:${ports[2] ?? ''}`
    const connector = `${rest}/connectors/flight-delay/status`
    await eventually(() => lastLine(run.stdout())['records'] === 25_000, { timeoutMs: 120_000 })
    expect(run.stdout()).to.contain('until Ctrl-C').and.to.contain(connector)
    expect((await fetch(connector)).status).to.equal(200)
    process.kill(-run.pid, 'SIGINT') // a terminal signals the whole process group
    await run.exited
    expect(run.stderr()).not.to.match(/^sluice: /m)
    await eventually(() => leftovers().length === 0, { timeoutMs: 30_000 })
  })

  it('leaves its flights and its connector to sluice dev, as the README says, so that the POST answers 409', async () => {
    const ports = { kafka: await freePort(), registry: await freePort(), rest: await freePort() }
    const dev = typed(`${onPorts(DEV, ports)} --data-dir ${dataDir}`)
    started.push(dev)
    await dev.ready(120_000)
    expect(JSON.parse(await outputOf(onPorts(CREATE, ports)))).to.include({ error_code: 409 })
    await eventually(
      async () => {
        const status = JSON.parse(await outputOf(onPorts(STATUS, ports))) as { tasks: { state: string }[] }
        expect(status.tasks.map(({ state }) => state)).to.deep.equal(['RUNNING', 'RUNNING'])
        return true
      },
      { timeoutMs: 60_000, everyMs: 500 },
    )
    process.kill(-dev.pid, 'SIGINT')
    await dev.exited
    await eventually(() => leftovers().length === 0, { timeoutMs: 30_000 })
  })

  it('says in one line that a port is taken, and leaves nothing running', async () => {
    const port = await freePort()
    const listener = createServer()
    await new Promise<void>((resolve) => listener.listen(port, '127.0.0.1', resolve))
    const { code, stderr } = await quickstart(['--rest-port', String(port)])
    listener.close()
    expect(code).to.equal(1)
    expect(stderr).to.match(new RegExp(`^sluice: port ${port} .*--rest-port\\n$`))
    expect(leftovers()).to.deep.equal([])
  })

  it('says in one line that Java is missing, and leaves nothing running', async () => {
    const { code, stderr } = await quickstart(['--once'], { JAVA_HOME: dataDir })
    expect(code).to.equal(1)
    expect(stderr).to.match(/^sluice: .*needs Java 17.*\n$/)
    expect(leftovers()).to.deep.equal([])
  })

  function lastLine(stdout: string): Record<string, unknown> {
    return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>
  }

  async function readLog(): Promise<string> {
    return readFile(path.join(dataDir, 'quickstart.log'), 'utf8').catch(() => 'no log')
  }
})
