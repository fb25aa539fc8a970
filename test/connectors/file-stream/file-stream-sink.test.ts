import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { fileStreamSink } from '../../../connectors/file-stream/file-stream-sink.ts'
import { type SinkContext, SILENT, struct, type Value } from '../../../src/index.ts'
import { findConnector } from '../../../src/runtime/plugins/plugins.ts'
import { batchOf } from '../../support/example-batch.ts'

describe('FileStreamSink', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-file-stream-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  const open = async (file: string) =>
    fileStreamSink.open(fileStreamSink.config.read({ file }), { log: SILENT } as unknown as SinkContext)
  const values = (...all: Value[]) => batchOf(all.map((value) => ({ value })))

  /** The message of the error that work ends with. */
  const refusal = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'nothing was refused',
      (error: unknown) => String(error),
    )

  it('appends a line for each live record behind what the file holds', async () => {
    const file = path.join(folder, 'out.txt')
    for (let turn = 0; turn < 2; turn++) {
      const sink = await open(file)
      const batch = values(struct({ a: 1n }), 'dropped', null, 'text')
      batch.drop(1)
      await sink.put(batch)
      await sink.flush?.()
      await sink.stop?.()
    }
    expect(await readFile(file, 'utf8')).to.equal('{a=1}\nnull\ntext\n'.repeat(2))
  })

  it('says that the folder of its file is missing', async () => {
    const file = path.join(folder, 'none', 'out.txt')
    expect(await refusal(open(file)))
      .to.contain(`'${file}'`)
      .and.to.contain('none does not exist')
  })

  it('says why its file cannot be opened', async () => {
    await mkdir(path.join(folder, 'a-folder'))
    expect(await refusal(open(path.join(folder, 'a-folder')))).to.contain('EISDIR')
  })

  it('says why a batch cannot be written', async () => {
    const sink = await open('/dev/full')
    expect(await refusal(Promise.resolve(sink.put(values('a')))))
      .to.contain('/dev/full')
      .and.to.contain('ENOSPC')
    await sink.flush?.()
    await sink.stop?.()
  })

  it('goes by the names of Apache’s connector', () => {
    for (const name of ['FileStreamSink', 'org.apache.kafka.connect.file.FileStreamSinkConnector'])
      expect(findConnector(name).name).to.equal('FileStreamSink')
  })
})
