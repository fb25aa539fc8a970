import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { ConnectError, messageOf } from '../../src/api/errors.ts'
import { type Logger, SILENT } from '../../src/api/log.ts'
import { decodeOffsets, encodeOffsets } from '../../src/worker/stores/java-offsets.ts'
import { OffsetFile } from '../../src/worker/stores/offset-file.ts'
import golden from '../conformance/golden/offset-files.json' with { type: 'json' }

const KEY = '["a",{"filename":"/tmp/in-0.txt"}]'
const OTHER = '["b",{"filename":"/tmp/in-0.txt"}]'
const JAVA = Buffer.from(golden.find(({ name }) => name === 'one')?.file ?? '', 'base64')

describe('the offsets file of a standalone worker', () => {
  let folder: string
  let file: string
  const opened: OffsetFile[] = []

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'sluice-offset-file-'))
    file = path.join(folder, 'connect.offsets')
  })
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close()
    rmSync(folder, { recursive: true, force: true })
  })

  async function open(name = file, log: Logger = SILENT): Promise<OffsetFile> {
    const offsets = await OffsetFile.open(name, log)
    opened.push(offsets)
    return offsets
  }

  const problemOf = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'none',
      (error: unknown) => {
        if (!(error instanceof ConnectError)) throw error
        return `${error.code}${error.retriable ? ', retriable' : ''}: ${messageOf(error)}`
      },
    )
  const stored = (name = file): Record<string, string | null> =>
    Object.fromEntries(
      decodeOffsets(readFileSync(name)).map(({ key, value }) => [String(key), value?.toString() ?? null]),
    )

  it('goes on with what a Java worker wrote, and leaves what it can go on with', async () => {
    writeFileSync(file, JAVA)
    const offsets = await open()
    expect(offsets.records('a')).to.deep.equal([{ key: KEY, value: '{"position":1}' }])
    expect(offsets.records('b')).to.deep.equal([])
    expect(readFileSync(file).equals(JAVA), 'opened, and nothing else').to.equal(true)
    await offsets.write([
      { key: KEY, value: '{"position":2}' },
      { key: OTHER, value: '{"position":3}' },
    ])
    expect(stored()).to.deep.equal({ [KEY]: '{"position":2}', [OTHER]: '{"position":3}' })
    await offsets.write([{ key: KEY, value: null }])
    expect(stored()).to.deep.equal({ [OTHER]: '{"position":3}' })
    expect(offsets.records('a')).to.deep.equal([])
  })

  it('keeps entries that are no offsets of a source, and shows them to nobody', async () => {
    const entries = [
      { key: null, value: Buffer.from('x') },
      { key: Buffer.of(0xff, 0xfe), value: Buffer.of(0x80) },
      { key: Buffer.of(0xff, 0xfd), value: null },
      { key: Buffer.from(KEY), value: null },
    ]
    writeFileSync(file, encodeOffsets(entries))
    const offsets = await open()
    expect(offsets.records('a')).to.deep.equal([])
    await offsets.write([{ key: OTHER, value: '{}' }])
    expect(decodeOffsets(readFileSync(file)).slice(0, 4)).to.deep.equal(entries)
  })

  it('is written once for all changes that come while it is written', async () => {
    const offsets = await open()
    const times = new Set<bigint>()
    const look = (): void => void times.add(statSync(file, { bigint: true }).mtimeNs)
    look()
    const writes = Array.from({ length: 200 }, (_, i) =>
      offsets.write([{ key: `["a",{"n":${i}}]`, value: `{"i":${i}}` }]).then(look),
    )
    await Promise.all(writes)
    expect(Object.keys(stored())).to.have.length(200)
    expect(times.size).to.be.below(6)
    expect(readdirSync(folder)).to.deep.equal(['connect.offsets'])
  })

  it('tells whoever follows it what was written, once it is on disk', async () => {
    const offsets = await open()
    await offsets.write([{ key: KEY, value: '{"position":1}' }])
    const seen: unknown[] = []
    const log = await offsets.openLog(({ key, value }) => {
      seen.push([key, value?.toString() ?? null, stored()[KEY] ?? null])
    })
    await offsets.write([{ key: KEY, value: '{"position":2}' }])
    await log.append(KEY, null)
    await log.close()
    await offsets.write([{ key: KEY, value: '{"position":3}' }])
    expect(seen).to.deep.equal([
      [KEY, '{"position":1}', '{"position":1}'],
      [KEY, '{"position":2}', '{"position":2}'],
      [KEY, null, null],
    ])
  })

  it('stays where a link leads to it, with the mode that it has', async () => {
    const [real, link] = [path.join(folder, 'real'), path.join(folder, 'link')]
    writeFileSync(real, JAVA)
    chmodSync(real, 0o640)
    symlinkSync(real, link)
    const offsets = await open(link)
    await offsets.write([{ key: KEY, value: '{"position":9}' }])
    expect(stored(real)).to.deep.equal({ [KEY]: '{"position":9}' })
    expect(statSync(real).mode & 0o777).to.equal(0o640)
    expect(await problemOf(OffsetFile.open(real, SILENT))).to.contain('belongs to another worker')
  })

  it('is of one worker at a time, and free when that one has closed it', async () => {
    const first = await open()
    const told = await problemOf(OffsetFile.open(file, SILENT))
    expect(told).to.equal(
      `offset.file: The offsets file ${file} belongs to another worker that runs on this machine. Stop that one, or give each worker an offset.storage.file.filename of its own.`,
    )
    await first.close()
    await open()
  })

  it('is left as it is once somebody else has written it', async () => {
    const offsets = await open()
    await offsets.write([{ key: KEY, value: '{"position":1}' }])
    writeFileSync(file, JAVA)
    const told = await problemOf(offsets.write([{ key: KEY, value: '{"position":2}' }]))
    expect(told).to.contain('offset.file: The offsets file').and.contain('was written by somebody else')
    expect(readFileSync(file).equals(JAVA)).to.equal(true)
  })

  it('comes back whole where somebody took it away', async () => {
    const offsets = await open()
    await offsets.write([{ key: KEY, value: '{"position":1}' }])
    rmSync(file)
    await offsets.write([{ key: OTHER, value: '{"position":2}' }])
    expect(stored()).to.deep.equal({ [KEY]: '{"position":1}', [OTHER]: '{"position":2}' })
  })

  it('is written later where that cannot be done now', async () => {
    const offsets = await open()
    const away = `${folder}-away`
    const { renameSync } = await import('node:fs')
    renameSync(folder, away)
    const told = await problemOf(offsets.write([{ key: KEY, value: '{"position":1}' }]))
    renameSync(away, folder)
    expect(told).to.contain('offset.file, retriable:').and.contain(`the folder ${folder} does not exist`)
    await offsets.write([{ key: OTHER, value: '{"position":2}' }])
    expect(stored()).to.deep.equal({ [KEY]: '{"position":1}', [OTHER]: '{"position":2}' })
  })

  it('may be empty, as a Java worker that was killed leaves it, and says so', async () => {
    writeFileSync(file, '')
    const warnings: string[] = []
    await open(file, { ...SILENT, warn: (message) => warnings.push(message) })
    expect(warnings).to.deep.equal(['the offsets file is empty: sources begin anew'])
  })

  it('is refused at the start, and given free, where it is damaged or cannot be written', async () => {
    const wrong: Record<string, string> = {
      [path.join(folder, 'half')]: 'ends in the middle. Put a copy of the file in its place, or move it away',
      [path.join(folder, 'text')]: 'is not an offsets file of Kafka Connect. Put a copy',
      [path.join(folder, 'none/x')]: `cannot be written: the folder ${folder}/none does not exist. Create it`,
      [path.join(folder, 'folder')]: 'cannot be read: EISDIR',
      [path.join(folder, 'text/x')]: 'cannot be read: ENOTDIR',
    }
    writeFileSync(path.join(folder, 'half'), JAVA.subarray(0, 90))
    writeFileSync(path.join(folder, 'text'), 'readings,12')
    mkdirSync(path.join(folder, 'folder'))
    for (const [name, words] of Object.entries(wrong)) {
      for (const attempt of ['first', 'second']) {
        const told = await problemOf(OffsetFile.open(name, SILENT))
        expect(told, attempt).to.contain(`offset.file: The offsets file ${name} ${words}`)
      }
    }
    expect(readFileSync(path.join(folder, 'half')).equals(JAVA.subarray(0, 90))).to.equal(true)
  })
})
