import assert from 'node:assert/strict'
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { struct } from 'sluice'
import { startSource } from 'sluice/testing'
import { folderSource } from '../src/source.ts'

describe('the source', () => {
  let folder: string
  let config: Record<string, string>

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'my-plugin-source-'))
    config = { folder, topic: 'readings', 'poll.interval.ms': '1' }
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('gives a record for each whole line, also of what is appended', async () => {
    await writeFile(path.join(folder, 'a.jsonl'), '{"n":1,"of":{"m":[2]}}\n\n"half')
    await writeFile(path.join(folder, 'other.txt'), 'not read\n')
    const source = await startSource(folderSource, config)
    const [first] = await source.read(1)
    assert.equal(first?.topic, 'readings')
    assert.deepEqual(first.value, struct({ n: 1, of: struct({ m: [2] }) }))
    assert.deepEqual(await source.poll(), [])
    await appendFile(path.join(folder, 'a.jsonl'), ' a line"\n')
    assert.deepEqual(
      (await source.read(1)).map(({ value }) => value),
      ['half a line'],
    )
    await source.stop()
  })

  it('goes on behind what is in Kafka', async () => {
    await writeFile(path.join(folder, 'a.jsonl'), '1\n2\n')
    const first = await startSource(folderSource, config)
    await first.read(2)
    await first.commit()
    await first.stop()
    await appendFile(path.join(folder, 'a.jsonl'), '3\n')
    const second = await startSource(folderSource, config, { offsets: first.offsets })
    assert.deepEqual(
      (await second.read(1)).map(({ value }) => value),
      [3],
    )
    await second.stop()
  })

  it('waits for a folder that is missing, and says which line is broken', async () => {
    const lost = await startSource(folderSource, { ...config, folder: path.join(folder, 'none') })
    await assert.rejects(lost.poll(), { code: 'my-plugin-source.unreadable', retriable: true })
    await writeFile(path.join(folder, 'a.jsonl'), '1\n{\n')
    const source = await startSource(folderSource, config)
    await assert.rejects(source.poll(), /the line at byte 2 of a\.jsonl is no JSON/)
  })
})
