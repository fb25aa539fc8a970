import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { struct } from 'sluice'
import { startSink } from 'sluice/testing'
import { folderSink } from '../src/sink.ts'

describe('the sink', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'my-plugin-sink-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('writes a line of JSON for each record, to a file of its topic', async () => {
    const sink = await startSink(folderSink, { folder: path.join(folder, 'made', 'by', 'it') })
    await sink.put([
      { topic: 'a', value: struct({ n: 1 }) },
      { topic: 'b', value: 'text' },
      { topic: 'a', value: null },
      { topic: 'a', value: struct({ n: 2 }) },
    ])
    assert.deepEqual(await sink.commit(), [
      { topic: 'a', partition: 0, offset: 3n },
      { topic: 'b', partition: 0, offset: 1n },
    ])
    await sink.stop()
    assert.equal(await readFile(path.join(folder, 'made/by/it/a.jsonl'), 'utf8'), '{"n":1}\n{"n":2}\n')
    assert.equal(await readFile(path.join(folder, 'made/by/it/b.jsonl'), 'utf8'), '"text"\n')
  })

  it('waits where it cannot write, and takes the same records again', async () => {
    const blocked = path.join(folder, 'out')
    await writeFile(blocked, 'a file where the folder should be')
    const sink = await startSink(folderSink, { folder: blocked })
    const records = [{ topic: 'a', value: 1 }]
    await assert.rejects(sink.put(records), { code: 'my-plugin-sink.unwritable', retriable: true })
    assert.deepEqual(sink.timeouts, [1000])
    await rm(blocked)
    await sink.put(records)
    await sink.stop()
    assert.equal(await readFile(path.join(blocked, 'a.jsonl'), 'utf8'), '1\n')
  })
})
