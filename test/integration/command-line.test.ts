import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { SILENT } from '../../src/api/log.ts'
import { freePort } from '../../src/dev/ports.ts'
import { type RegistryServer, startRegistry } from '../../src/registry/server.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { sharedKafka } from '../support/kafka.ts'
import { sluice } from '../support/process.ts'

const SCHEMA = {
  type: 'record',
  name: 'Payment',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 } },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'note', type: ['null', 'string'], default: null },
    { name: 'raw', type: 'bytes', default: '' },
  ],
}
const FIRST = '{"id":9007199254740993,"amount":12.30,"at":"2026-01-02T03:04:05.000Z","note":"a","raw":"AP8="}'
const SECOND = '{"id":2,"amount":-0.05,"at":"1970-01-01T00:00:00.000Z","note":null,"raw":""}'

describe('sluice topics, produce and consume', function () {
  this.timeout(90_000)
  let folder: string
  let registry: RegistryServer
  let kafka: readonly string[]
  const topic = uniqueName('payments')

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-commands-'))
    const { bootstrapServers } = await sharedKafka()
    kafka = ['--bootstrap-servers', bootstrapServers]
    registry = await startRegistry({
      ...{ port: await freePort(), bootstrapServers: bootstrapServers.split(',') },
      ...{ topic: uniqueName('_schemas'), log: SILENT },
    })
    await writeFile(path.join(folder, 'payment.avsc'), JSON.stringify(SCHEMA))
  })
  after(async () => {
    await registry.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function run(args: readonly string[], input = '') {
    const isTopics = args[0] === 'topics'
    const command = sluice([...args, ...kafka, ...(isTopics ? [] : ['--registry', registry.url])])
    command.child.stdin?.end(input)
    const code = await command.exited
    return { code, stdout: command.stdout(), stderr: command.stderr() }
  }
  const beginning = ['--from-beginning', '--exit-at-end']

  it('create a topic, write Avro to it and print the same lines again', async () => {
    expect(await run(['topics', '--create', topic, '--partitions', '2'])).to.include({ code: 0 })
    const lines = path.join(folder, 'lines.jsonl')
    await writeFile(lines, `\uFEFF${FIRST}\n\n{"id":2,"amount":-0.05,"at":0}\nnull\n`)
    const schema = ['--schema', path.join(folder, 'payment.avsc')]
    const produced = await run(['produce', topic, lines, ...schema])
    expect(produced, produced.stderr).to.include({ code: 0 })
    expect(produced.stderr).to.contain('3 records produced')
    const printed = await run(['consume', topic, ...beginning])
    expect(printed.stdout.trimEnd().split('\n').toSorted()).to.deep.equal(['null', SECOND, FIRST])
    // What was printed can be produced again, by the newest schema of the subject.
    const again = await run(['produce', topic, '--key', 'id'], `${FIRST}\n`)
    expect(again, again.stderr).to.include({ code: 0 })
    const last = await run(['consume', topic, ...beginning, '--with', 'key'])
    expect(last.stdout).to.contain(`{"key":"9007199254740993","value":${FIRST}}`)
    const listed = await run(['topics', topic, '--json'])
    expect(JSON.parse(listed.stdout)).to.include({ topic, offsets: 4 })
  })

  it('name the line that does not fit, and send those before it', async () => {
    const wrong = await run(['produce', topic], `${SECOND}\n{"id":1,"amonut":1.00,"at":0}\n${SECOND}\n`)
    expect(wrong.code).to.equal(1)
    expect(wrong.stderr).to.contain('1 records produced')
    expect(wrong.stderr).to.contain('standard input, line 2: Field "amonut" is not in the schema')
    expect(wrong.stderr).to.contain('Did you mean "amount"?')
  })

  it('write and print text, JSON and bytes, with keys and without values', async () => {
    const plain = uniqueName('plain')
    await run(['topics', '--create', plain])
    await run(['produce', plain, '--format', 'text', '--key-separator', ':'], 'k:12\nk:{not json\n')
    await run(['produce', plain, '--format', 'json', '--key', 'a'], '{"a": 9007199254740993}\nnull\n')
    const { stdout } = await run(['consume', plain, ...beginning, '--with', 'offset,key', '--max', '3'])
    expect(stdout.trimEnd().split('\n')).to.deep.equal([
      '{"offset":0,"key":"k","value":"12"}',
      '{"offset":1,"key":"k","value":"{not json"}',
      '{"offset":2,"key":"9007199254740993","value":{"a": 9007199254740993}}',
    ])
    const json = await run(['consume', plain, ...beginning, '--format', 'json'])
    expect(json.code).to.equal(1)
    expect(json.stdout).to.equal('12\n{"a": 9007199254740993}\nnull\n')
    expect(json.stderr).to.contain(`${plain}-0@1: The record is not JSON.`)
  })

  it('wait for a topic, follow it, and end at Ctrl-C', async () => {
    const late = uniqueName('late')
    const reader = sluice(['consume', late, '--from-beginning', ...kafka])
    await eventually(() => reader.stderr().includes(`waiting for topic ${late}`), { timeoutMs: 30_000 })
    await run(['topics', '--create', late])
    const writer = sluice(['produce', late, '--format', 'text', ...kafka])
    writer.child.stdin?.write('first\n')
    // A line that somebody types is there before the next one.
    await eventually(() => reader.stdout() === '"first"\n', { timeoutMs: 30_000 })
    writer.signal('SIGINT')
    expect(await writer.exited).to.equal(130)
    expect(writer.stderr()).to.contain('1 records produced')
    reader.signal('SIGINT')
    expect(await reader.exited).to.equal(0)
  })

  it('say what to do about a topic, a schema or a file that is not there', async () => {
    const missing = uniqueName('missing')
    const [noTopic, gone, described] = await Promise.all([
      run(['produce', missing, '--format', 'text'], 'a\n'),
      run(['topics', '--delete', missing]),
      run(['topics', missing]),
    ])
    for (const { code, stderr } of [noTopic, gone, described]) {
      expect(code).to.equal(1)
      expect(stderr).to.contain(`sluice topics --create ${missing}`)
    }
    const unnamed = uniqueName('unnamed')
    await run(['topics', '--create', unnamed])
    const noSchema = await run(['produce', unnamed], '{}\n')
    expect(noSchema.stderr).to.contain(`no schema of subject ${unnamed}-value`)
    const noFile = await run(['produce', unnamed, '/nowhere.txt', '--format', 'text'])
    expect(noFile).to.include({ code: 1 })
    expect(noFile.stderr).to.contain('/nowhere.txt cannot be read')
    expect(await run(['topics', '--delete', unnamed])).to.include({ code: 0 })
  })
})
