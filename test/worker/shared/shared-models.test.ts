import { expect } from 'chai'
import fc from 'fast-check'
import { afterEach, describe, it } from 'mocha'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { SILENT } from '../../../src/api/log.ts'
import { SharedLog } from '../../../src/worker/shared/shared-log.ts'
import { CHUNK_BYTES } from '../../../src/worker/shared/shared-models.ts'
import { rejection } from '../../support/rejection.ts'
import { MemoryTopics } from '../memory-log.ts'

const TOPIC = { topic: 'workers-sluice', partitions: 1, replicationFactor: 1 }
const folders: string[] = []

afterEach(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })))
})

interface Member {
  readonly log: SharedLog
  readonly modelsDir: string
}

async function member(topics: Pick<MemoryTopics, 'open'>, modelsDir?: string): Promise<Member> {
  const folder = modelsDir ?? (await mkdtemp(path.join(tmpdir(), 'sluice-shared-')))
  folders.push(folder)
  return {
    log: await SharedLog.open(topics.open, { topic: TOPIC, modelsDir: folder, log: SILENT }),
    modelsDir: folder,
  }
}

const version = (files: Readonly<Record<string, Buffer>>, name = '2') => {
  return { name: 'delay', version: name, files: new Map(Object.entries(files)) }
}

async function installed({ log, modelsDir }: Member, name = '2'): Promise<Record<string, Buffer>> {
  await log.current()
  const folder = path.join(modelsDir, 'delay', name)
  const files = await readdir(folder)
  return Object.fromEntries(
    await Promise.all(files.map(async (file) => [file, await readFile(path.join(folder, file))] as const)),
  )
}

describe('a model that one worker took', () => {
  it('is below models.dir of every worker, byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3 * CHUNK_BYTES), { minLength: 1, maxLength: 3 }), async (sizes) => {
        const topics = new MemoryTopics()
        const [first, second] = [await member(topics), await member(topics)]
        const files = Object.fromEntries(sizes.map((size, n) => [`file-${n}.zip`, Buffer.alloc(size, n + 1)]))
        await first.log.models.publish(version(files))
        expect(await installed(first)).to.deep.equal(files)
        expect(await installed(second)).to.deep.equal(files)
      }),
      { numRuns: 10 },
    )
  })

  it('is there before a worker that starts later runs anything', async () => {
    const topics = new MemoryTopics()
    const first = await member(topics)
    await first.log.models.publish(version({ 'm.zip': Buffer.from('model') }))
    const { modelsDir } = await member(topics)
    expect(await readFile(path.join(modelsDir, 'delay/2/m.zip'), 'utf8')).to.equal('model')
    expect(await readdir(modelsDir)).to.deep.equal(['delay'])
  })

  it('of two that are sent at the same time is the first in the topic; the other is refused and leaves nothing', async () => {
    const topics = new MemoryTopics()
    const [first, second] = [await member(topics), await member(topics)]
    const outcomes = await Promise.allSettled([
      first.log.models.publish(version({ 'm.zip': Buffer.from('one') })),
      second.log.models.publish(version({ 'm.zip': Buffer.from('two') })),
    ])
    expect(outcomes.map(({ status }) => status)).to.have.members(['fulfilled', 'rejected'])
    const refusal = outcomes.find((each) => each.status === 'rejected')?.reason as Error
    expect(refusal.message).to.include('Another worker took a version 2 of the model delay at the same time')
    const here = await installed(first)
    expect(await installed(second)).to.deep.equal(here)
    const kept = new Map(topics.records(TOPIC.topic).map(({ key, value }) => [key, value]))
    expect([...kept.values()].filter((value) => value !== null)).to.have.length(3)
    expect(await installed(await member(topics))).to.deep.equal(here)
  })

  it('does not replace a version of that name that lies there', async () => {
    const topics = new MemoryTopics()
    const first = await member(topics)
    const second = await member(topics)
    await mkdir(path.join(second.modelsDir, 'delay/2'), { recursive: true })
    await writeFile(path.join(second.modelsDir, 'delay/2/m.zip'), 'own')
    await first.log.models.publish(version({ 'm.zip': Buffer.from('sent') }))
    expect((await installed(second))['m.zip']?.toString()).to.equal('own')
  })

  it('serves workers that share one models.dir, too', async () => {
    const topics = new MemoryTopics()
    const first = await member(topics)
    const second = await member(topics, first.modelsDir)
    await first.log.models.publish(version({ 'm.zip': Buffer.from('sent') }))
    expect((await installed(second))['m.zip']?.toString()).to.equal('sent')
    expect(await readdir(first.modelsDir)).to.deep.equal(['delay'])
  })

  it('whose records were damaged, or lead out of models.dir, is not installed', async () => {
    const topics = new MemoryTopics()
    const { log, modelsDir } = await member(topics)
    const files = [{ name: 'm.zip', bytes: 4, sha256: 'no' }]
    topics.write(TOPIC.topic, 'upload/a', JSON.stringify({ name: 'delay', version: '2', files }))
    topics.write(TOPIC.topic, 'chunk/a/0/0', Buffer.from('data'))
    topics.write(TOPIC.topic, 'model/delay/2/a', '{}')
    topics.write(TOPIC.topic, 'upload/b', JSON.stringify({ name: '..', version: '2', files }))
    topics.write(TOPIC.topic, 'model/../2/b', '{}')
    topics.write(TOPIC.topic, 'upload/c', 'no JSON')
    topics.write(TOPIC.topic, 'model/%/2/b', '{}')
    await log.current()
    expect(await readdir(modelsDir)).to.deep.equal([])
  })

  it('that could not be written whole is taken back', async () => {
    const topics = new MemoryTopics()
    const { log } = await member({
      open: async (topic: typeof TOPIC, onRecord: Parameters<MemoryTopics['open']>[1]) => {
        const real = await topics.open(topic, onRecord)
        const append: typeof real.append = (key, value) =>
          key.startsWith('model/') ? Promise.reject(new Error('Kafka is away')) : real.append(key, value)
        return { ...real, append }
      },
    })
    const failure = await rejection(log.models.publish(version({ 'm.zip': Buffer.from('sent') })))
    expect(failure.message).to.equal('Kafka is away')
    const kept = new Map(topics.records(TOPIC.topic).map(({ key, value }) => [key, value]))
    expect([...kept.values()]).to.deep.equal([null, null])
  })

  it('is removed from all workers, and from the topic', async () => {
    const topics = new MemoryTopics()
    const [first, second] = [await member(topics), await member(topics)]
    await first.log.models.publish(version({ 'm.zip': Buffer.alloc(2 * CHUNK_BYTES + 1) }, '1'))
    await first.log.models.publish(version({ 'm.zip': Buffer.from('two') }))
    expect(await second.log.models.remove('delay', '1')).to.equal(true)
    await first.log.current()
    for (const { modelsDir } of [first, second])
      expect(await readdir(path.join(modelsDir, 'delay'))).to.deep.equal(['2'])
    const kept = new Map(topics.records(TOPIC.topic).map(({ key, value }) => [key, value]))
    expect([...kept.values()].filter((value) => value !== null)).to.have.length(3)
    expect(await second.log.models.remove('delay', '1')).to.equal(false)
    await first.log.models.publish(version({ 'm.zip': Buffer.from('anew') }, '1'))
    expect((await installed(second, '1'))['m.zip']?.toString()).to.equal('anew')
  })

  it('stays where somebody put other files under its name', async () => {
    const topics = new MemoryTopics()
    const { log, modelsDir } = await member(topics)
    await log.models.publish(version({ 'm.zip': Buffer.from('sent') }))
    await writeFile(path.join(modelsDir, 'delay/2/m.zip'), 'own')
    await log.models.remove('delay', '2')
    expect(await readFile(path.join(modelsDir, 'delay/2/m.zip'), 'utf8')).to.equal('own')
  })
})
