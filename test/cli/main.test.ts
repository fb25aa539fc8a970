import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { freePort } from '../../src/dev/ports.ts'
import { REPOSITORY, sluice, type StartOptions } from '../support/process.ts'

describe('sluice', () => {
  async function outcome(args: readonly string[], options: StartOptions = {}) {
    const command = sluice(args, options)
    const code = await command.exited
    return { code, stdout: command.stdout(), stderr: command.stderr() }
  }

  it('prints its version', async () => {
    const { version } = JSON.parse(readFileSync(path.join(REPOSITORY, 'package.json'), 'utf8')) as {
      version: string
    }
    expect(await outcome(['--version'])).to.deep.equal({ code: 0, stdout: `${version}\n`, stderr: '' })
  })

  it('has help for every command that it lists', async () => {
    const { stdout } = await outcome(['--help'])
    const listed = [...stdout.split('Commands:')[1]!.matchAll(/^ {2}(\S+)/gm)].map((found) => found[1] ?? '')
    const commands = listed.filter((command) => command !== 'help')
    expect(commands).to.include.members(['dev', 'broker', 'registry'])
    const helps = await Promise.all(commands.map((command) => outcome([command, '--help'])))
    for (const [i, help] of helps.entries()) {
      expect(help.code, commands[i]).to.equal(0)
      expect(help.stdout, commands[i]).to.match(/^Usage: sluice/)
    }
  })

  it('refuses an unknown command and a wrong option value, with exit code 1', async () => {
    const unknown = await outcome(['dve'])
    expect(unknown.code).to.equal(1)
    expect(unknown.stderr).to.contain('dev')
    const wrong = await outcome(['dev', '--kafka-port', '70000'])
    expect(wrong.code).to.equal(1)
    expect(wrong.stderr).to.contain('port number')
  })

  describe('when it cannot do its work', () => {
    let listener: Server | undefined
    let port = 0

    before(async () => {
      port = await freePort()
      listener = createServer()
      await new Promise<void>((resolve) => listener?.listen(port, '127.0.0.1', resolve))
    })
    after(() => {
      listener?.close()
    })

    it('names every taken port, one line each, and starts nothing', async () => {
      const ports = [
        '--kafka-port',
        String(port),
        '--registry-port',
        String(port),
        '--rest-port',
        String(port),
      ]
      const { code, stdout, stderr } = await outcome(['dev', ...ports])
      expect({ code, stdout }).to.deep.equal({ code: 1, stdout: '' })
      const taken = stderr.split('\n').filter((line) => line.includes('is taken'))
      expect(taken).to.have.length(3)
      for (const option of ['--kafka-port', '--registry-port', '--rest-port'])
        expect(stderr).to.contain(option)
    })

    it('names ports that two services would share, before anything starts', async () => {
      const shared = String(await freePort())
      const ports = [
        '--kafka-port',
        String(await freePort()),
        '--registry-port',
        shared,
        '--rest-port',
        shared,
      ]
      const { code, stderr } = await outcome(['dev', ...ports])
      expect(code).to.equal(1)
      expect(stderr).to.match(/^sluice: port \d+ is wanted for both schema registry and REST API: .*\n$/)
    })

    it('says so where the data folder cannot be made, or the settings are no text', async () => {
      const file = path.join(REPOSITORY, 'test/fixtures/networks/preprocess/picture0.png')
      const broker = await outcome(['broker', '--port', String(await freePort()), '--data-dir', file])
      expect(broker.code).to.equal(1)
      expect(broker.stderr).to.match(/^sluice: .*; choose a folder .*--data-dir\n$/)
      const worker = await outcome(['worker', file])
      expect(worker.code).to.equal(1)
      expect(worker.stderr).to.equal(`sluice: ${file}: is not a text. Name a file of settings.\n`)
    })

    it('says in one line what to do, without a stack', async () => {
      const { code, stderr } = await outcome(['broker', '--port', String(port)])
      expect(code).to.equal(1)
      expect(stderr).to.equal(
        `sluice: port ${port} (Kafka) is taken: stop what listens there, or choose another with --port\n`,
      )
    })

    it('says so where no Kafka answers at the given address', async () => {
      const free = await Promise.all([freePort(), freePort(), freePort()])
      const [kafka, registry, rest] = free.map(String)
      const ports = [
        '--registry-port',
        registry!,
        '--rest-port',
        rest!,
        '--bootstrap-servers',
        `127.0.0.1:${kafka}`,
      ]
      const { code, stderr } = await outcome(['dev', ...ports])
      expect(code).to.equal(1)
      expect(stderr).to.match(/^sluice: no Kafka broker answers at .*--bootstrap-servers.*\n$/)
    })
  })
})
