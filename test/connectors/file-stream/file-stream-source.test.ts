import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { fileStreamSource } from '../../../connectors/file-stream/file-stream-source.ts'
import { LineBuffer } from '../../../connectors/file-stream/line-buffer.ts'
import { SILENT, type SourceMap, type SourceRecord, type SourceTask } from '../../../src/index.ts'

describe('FileStreamSource', () => {
  let folder: string
  let file: string
  let stopping: AbortController
  const tasks: SourceTask[] = []

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-file-'))
    file = path.join(folder, 'lines.txt')
    stopping = new AbortController()
  })

  afterEach(async () => {
    stopping.abort()
    await Promise.all(tasks.splice(0).map(async (task) => task.stop?.()))
    await rm(folder, { recursive: true })
  })

  async function start(
    offset: SourceMap | null = null,
    config: Record<string, string> = {},
  ): Promise<SourceTask> {
    const values = fileStreamSource.config.read({ file, topic: 'lines', ...config })
    const task = await fileStreamSource.open(values, {
      connector: 'a',
      task: 0,
      log: SILENT,
      signal: stopping.signal,
      offset: () => Promise.resolve(offset),
      offsets: (partitions) => Promise.resolve(partitions.map(() => offset)),
    })
    tasks.push(task)
    return task
  }

  const linesOf = (records: readonly SourceRecord[]) => records.map(({ value }) => value)

  it('gives a record per line, with where to go on behind it', async () => {
    await writeFile(file, 'one\nzwölf\r\nthree\rhalf')
    const [first, second, third, ...rest] = await (await start()).poll()
    expect(rest).to.deep.equal([])
    const { sourcePartition } = first ?? {}
    expect(sourcePartition).to.deep.equal({ filename: file })
    expect(first).to.include({ topic: 'lines', partition: null, key: null, keySchema: null, value: 'one' })
    expect(first?.valueSchema).to.deep.equal({ type: 'STRING', optional: false })
    expect(first?.sourceOffset).to.deep.equal({ position: 4 })
    expect(second?.value).to.equal('zwölf')
    expect(second?.sourceOffset, 'in bytes').to.deep.equal({ position: 12 })
    expect(third?.sourceOffset).to.deep.equal({ position: 18 })
  })

  it('goes on from its offset, with what is appended too', async () => {
    await writeFile(file, 'one\ntwo\nhal')
    const source = await start({ position: 4 })
    expect(linesOf(await source.poll())).to.deep.equal(['two'])
    await appendFile(file, 'f\nlast\n')
    expect(linesOf(await source.poll())).to.deep.equal(['half', 'last'])
  })

  it('reads no more than batch.size lines in one poll', async () => {
    await writeFile(file, '1\n2\n3\n4\n5\n')
    const source = await start(null, { 'batch.size': '2' })
    expect(linesOf(await source.poll())).to.deep.equal(['1', '2'])
    expect(linesOf(await source.poll())).to.deep.equal(['3', '4'])
    expect(linesOf(await source.poll())).to.deep.equal(['5'])
  })

  it('waits for a file that does not exist yet', async () => {
    const source = await start()
    expect(await source.poll()).to.deep.equal([])
    await writeFile(file, 'here\n')
    expect(linesOf(await source.poll())).to.deep.equal(['here'])
  })

  it('says what is wrong with a stored offset and with a file that is none', async () => {
    await writeFile(file, 'one\n')
    for (const position of ['x', -1, 1.5, true]) {
      const error: unknown = await (await start({ position })).poll().catch((each: unknown) => each)
      expect(error).to.include({ code: 'source.offset' })
      expect(String(error)).to.contain('Connector a, task 0').and.contain(file)
    }
    const error: unknown = await (await start(null, { file: folder })).poll().catch((each: unknown) => each)
    expect(String(error)).to.contain('Connector a, task 0').and.contain(folder)
  })

  it('takes the offsets that Kafka Connect takes from people', () => {
    const check = (partition: SourceMap, offset: SourceMap | null) =>
      fileStreamSource.checkOffset?.({ partition, offset })
    expect(check({ filename: 'f' }, { position: 3 })).to.equal(undefined)
    expect(check({}, null)).to.equal(undefined)
    expect(check({ name: 'f' }, { position: 3 })).to.contain('filename')
    expect(check({ filename: 'f' }, { line: 3 })).to.contain('position')
    expect(check({ filename: 'f' }, { position: -1 })).to.contain('non-negative')
    for (const position of [1.5, '3', 'x', true, null])
      expect(check({ filename: 'f' }, { position }), String(position)).to.contain('a Long value')
  })
})

describe('cutting bytes into lines', () => {
  /** What a text is cut into in one go, which is what is left of the last line's end. */
  const whole = (text: string) => [...text.matchAll(/([^\r\n]*)(\r\n|\n|\r(?!$))/g)]

  it('gives the same lines and positions whatever pieces the bytes come in', () => {
    const text = fc.array(fc.constantFrom('a', 'ü', '\r', '\n', '\r\n', 'long '.repeat(10)), {
      maxLength: 40,
    })
    fc.assert(
      fc.property(text, fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), (parts, pieces) => {
        const bytes = Buffer.from(parts.join(''))
        const lines = new LineBuffer(0)
        const found: string[] = []
        const ends: number[] = []
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const { space, at: from } = lines.room()
          expect(from).to.equal(at)
          const size = Math.min(pieces[turn % pieces.length] ?? 1, bytes.length - at)
          bytes.copy(space, 0, at, at + size)
          lines.filled(size)
          at += size
          for (let line = lines.next(); line !== undefined; line = lines.next()) {
            found.push(line)
            ends.push(lines.position)
          }
        }
        const expected = whole(parts.join(''))
        expect(found).to.deep.equal(expected.map(([, line]) => line))
        let at = 0
        expect(ends).to.deep.equal(expected.map(([all]) => (at += Buffer.byteLength(all))))
      }),
    )
  })

  it('holds a line that is longer than its first room', () => {
    const line = 'x'.repeat(200_000)
    const bytes = Buffer.from(`${line}\n`)
    const lines = new LineBuffer(0)
    for (let at = 0; at < bytes.length;) {
      const { space } = lines.room()
      const size = bytes.copy(space, 0, at)
      lines.filled(size)
      at += size
    }
    expect(lines.next()).to.equal(line)
  })
})
