import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile, mkdir, chmod } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import { SILENT } from '../../src/api/log.ts'
import { startBroker, type Broker } from '../../src/dev/broker.ts'
import { freePort } from '../../src/dev/ports.ts'
import { eventually } from '../support/eventually.ts'
import { kafkajsClient } from '../support/kafka.ts'

describe('startBroker', function () {
  this.timeout(150_000)
  let dataDir = ''
  let broker: Broker | undefined

  before(async () => {
    dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-broker-'))
  })
  afterEach(async () => {
    broker?.kill()
    await broker?.exited
  })
  after(async () => {
    await rm(dataDir, { recursive: true, force: true })
  })

  it('keeps topics and records over a restart, on another port', async () => {
    broker = await startBroker({ port: await freePort(), dataDir, log: SILENT })
    const first = kafkajsClient(broker.bootstrapServers)
    const admin = first.admin()
    await admin.createTopics({ topics: [{ topic: 'kept', numPartitions: 3 }] })
    await admin.disconnect()
    const producer = first.producer()
    await producer.connect()
    await producer.send({ topic: 'kept', messages: [{ value: 'a', partition: 2 }] })
    await producer.disconnect()
    await broker.stop()

    broker = await startBroker({ port: await freePort(), dataDir, log: SILENT })
    const again = kafkajsClient(broker.bootstrapServers).admin()
    const offsets = await again.fetchTopicOffsets('kept')
    await again.disconnect()
    expect(offsets.map((o) => `${o.partition}:${o.high}`).sort()).to.deep.equal(['0:0', '1:0', '2:1'])
    await broker.stop()
  })

  it('does not create a topic that somebody merely asks for, and refuses a data folder that another broker uses', async () => {
    broker = await startBroker({ port: await freePort(), dataDir, log: SILENT })
    const producer = kafkajsClient(broker.bootstrapServers).producer({ retry: { retries: 0 } })
    await producer.connect()
    const sent = await producer.send({ topic: 'absent', messages: [{ value: 'a' }] }).then(
      () => 'sent',
      () => 'refused',
    )
    await producer.disconnect()
    expect(sent).to.equal('refused')
    const error = await failure(freePort().then((port) => startBroker({ port, dataDir, log: SILENT })))
    expect(error).to.equal(`another broker (process ${broker.pid}) uses ${path.join(dataDir, 'kafka')}`)
  })

  it("says why the JVM ended, in Kafka's own words", async () => {
    await mkdir(path.join(dataDir, 'damaged/kafka/data'), { recursive: true })
    await writeFile(path.join(dataDir, 'damaged/kafka/data/meta.properties'), 'version=7\n')
    const port = await freePort()
    const error = await failure(startBroker({ port, dataDir: path.join(dataDir, 'damaged'), log: SILENT }))
    expect(error).to.match(/^the embedded Kafka did not start: .*meta\.properties/)
    expect(error).not.to.contain('\n')
  })

  it('ends when its owner is killed', async () => {
    const port = await freePort()
    const owner = path.join(dataDir, 'owner.ts')
    const source = path.resolve(import.meta.dirname, '../../src')
    await writeFile(
      owner,
      `import { startBroker } from ${JSON.stringify(`${source}/dev/broker.ts`)}
       import { SILENT } from ${JSON.stringify(`${source}/api/log.ts`)}
       const broker = await startBroker({ port: ${port}, dataDir: ${JSON.stringify(dataDir)}, log: SILENT })
       process.stdout.write(String(broker.pid), () => process.kill(process.pid, 'SIGKILL'))`,
    )
    const ended = spawnSync(process.execPath, ['--conditions=source', owner], { encoding: 'utf8' })
    expect(ended.signal, ended.stderr).to.equal('SIGKILL')
    // The same data folder and port are free again once the JVM has gone, without anybody's help.
    broker = await eventually(() => startBroker({ port, dataDir, log: SILENT }), { timeoutMs: 30_000 })
  })

  describe('on a machine that lacks something', () => {
    let listener: Server | undefined
    const { JAVA_HOME, PATH, XDG_CACHE_HOME } = process.env

    afterEach(() => {
      listener?.close()
      Object.assign(process.env, { PATH })
      restore('JAVA_HOME', JAVA_HOME)
      restore('XDG_CACHE_HOME', XDG_CACHE_HOME)
    })

    it('names the taken port and the option that moves it', async () => {
      const port = await freePort()
      listener = createServer()
      await new Promise<void>((resolve) => listener?.listen(port, '127.0.0.1', resolve))
      const error = await failure(startBroker({ port, dataDir, log: SILENT }))
      expect(error).to.contain(`port ${port}`).and.to.contain('--kafka-port')
    })

    it('asks for Java where there is none', async () => {
      process.env['JAVA_HOME'] = path.join(dataDir, 'no-such-java')
      const error = await failure(freePort().then((port) => startBroker({ port, dataDir, log: SILENT })))
      expect(error).to.contain('needs Java 17')
    })

    it('refuses a Java that is too old, by its version', async () => {
      process.env['JAVA_HOME'] = await program('java', 'echo \'openjdk version "1.8.0_402"\' >&2')
      const error = await failure(freePort().then((port) => startBroker({ port, dataDir, log: SILENT })))
      expect(error).to.match(/is Java 8$/)
    })

    it('asks for Maven where there is none and the jars are not cached', async () => {
      const home = await program('java', 'echo \'openjdk version "17.0.1"\' >&2')
      Object.assign(process.env, {
        JAVA_HOME: home,
        PATH: dataDir,
        XDG_CACHE_HOME: path.join(dataDir, 'cache'),
      })
      const error = await failure(freePort().then((port) => startBroker({ port, dataDir, log: SILENT })))
      expect(error).to.contain('needs Maven')
    })

    it("repeats Maven's own error where it fails, and leaves no half-filled cache", async () => {
      const home = await program('mvn', 'echo "[ERROR] no route to the repository"; exit 1')
      const cache = path.join(dataDir, 'cache-of-a-failure')
      Object.assign(process.env, { PATH: `${path.join(home, 'bin')}:${PATH ?? ''}`, XDG_CACHE_HOME: cache })
      const error = await failure(freePort().then((port) => startBroker({ port, dataDir, log: SILENT })))
      expect(error).to.contain('no route to the repository')
      expect(await readdir(path.join(cache, 'sluice'))).to.deep.equal([])
    })

    /** A folder with `bin/<name>`, a shell script. */
    async function program(name: string, script: string): Promise<string> {
      const home = await mkdtemp(path.join(dataDir, 'program-'))
      const file = path.join(home, 'bin', name)
      await mkdir(path.dirname(file))
      await writeFile(file, `#!/bin/sh\n${script}\n`)
      await chmod(file, 0o755)
      return home
    }
  })
})

function restore(name: string, value: string | undefined): void {
  if (value === undefined) Reflect.deleteProperty(process.env, name)
  else process.env[name] = value
}

async function failure(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no error',
    (error: unknown) => (error as Error).message,
  )
}
