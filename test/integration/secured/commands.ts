import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { uniqueName } from '../../support/eventually.ts'
import { sluice } from '../../support/process.ts'
import { jaasConfig } from '../../support/secured-kafka.ts'
import { kafka, type Settings, trusting } from './clients.ts'

export function securedCommands(): void {
  describe('as a command', () => {
    let folder: string
    before(() => (folder = mkdtempSync(path.join(tmpdir(), 'sluice-secured-command-'))))
    after(() => rmSync(folder, { recursive: true }))

    const propertiesOf = (password?: string): string => {
      const settings: Settings = {
        ...trusting(),
        'security.protocol': 'SASL_SSL',
        'sasl.mechanism': 'SCRAM-SHA-512',
        'sasl.jaas.config': jaasConfig('SCRAM-SHA-512', password),
        acks: 'all',
      }
      const file = path.join(folder, 'client.properties')
      const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`)
      writeFileSync(file, lines.join(''))
      return file
    }
    const run = async (file: string, ...args: string[]) => {
      const where = ['--bootstrap-servers', kafka.at('SASLSSL'), '--config', file]
      const started = sluice([...args, ...where])
      const code = await started.exited
      return { code, out: started.stdout(), error: started.stderr() }
    }

    it('lists and creates topics, writes and reads records by the file that Kafka’s own commands take', async () => {
      const topic = uniqueName('secured-command')
      const file = propertiesOf()
      const lines = path.join(folder, 'lines.txt')
      writeFileSync(lines, 'one\ntwo\n')
      const created = await run(file, 'topics', '--create', topic)
      expect(created.error)
        .to.include(`created topic ${topic}`)
        .and.include('without effect on this command: acks')
      expect((await run(file, 'produce', topic, lines, '--format', 'text')).error).to.include(
        '2 records produced',
      )
      const read = await run(file, 'consume', topic, '--from-beginning', '--exit-at-end')
      expect([read.code, read.out]).to.deep.equal([0, '"one"\n"two"\n'])
    })

    it('says what is wrong: a password, a file that is not there, a setting', async () => {
      const refused = await run(propertiesOf('wrong'), 'topics')
      expect([refused.code, refused.error]).to.have.property('0', 1)
      expect(refused.error)
        .to.match(/refus|authenticat/i)
        .and.not.include('wrong')
      const absent = await run(path.join(folder, 'none.properties'), 'topics')
      expect(absent.error).to.include('none.properties').and.include('cannot be read')
      const file = path.join(folder, 'client.properties')
      writeFileSync(file, 'security.protocol=TLS\n')
      expect((await run(file, 'topics')).error)
        .to.include('security.protocol')
        .and.include('SASL_SSL')
    })
  })
}
