import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { partitionForKey } from '../../src/kafka/produce/partitioner.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { descendantsOf } from '../support/process-tree.ts'
import { call, type SluiceDev, startSluiceDev, untilTasks } from '../support/sluice-dev.ts'
import { readTopic } from '../support/topics.ts'

const LINES = 120_000
const CHUNK = 2_000
/** The file grows no further while so many of its lines are not yet at the end. */
const MOST_BEHIND = 16_000
const PARTITIONS = 3
/** What is killed, each at a random moment. */
const VICTIMS = ['task-host', ' worker ', 'task-host', 'task-host', ' worker ', 'task-host'] as const

const SIZES = ['sepal_length', 'sepal_width', 'petal_length', 'petal_width']

/** A flower a line, with a number in front. */
function lines(from: number, to: number): string {
  return Array.from({ length: to - from }, (_, i) => {
    const n = from + i
    return `${n},${4 + (n % 40) / 10},${2 + (n % 20) / 10},${1 + (n % 50) / 10},${0.1 + (n % 24) / 10}\n`
  }).join('')
}

/** Its key is the number in four bytes, as IntegerConverter writes it. */
function partitionOf(n: number): number {
  const key = Buffer.alloc(4)
  key.writeInt32BE(n)
  return partitionForKey(key, PARTITIONS)
}

/** The first of each number, in order. */
function firsts(numbers: readonly number[]): number[] {
  return [...new Set(numbers)]
}

interface Flow {
  readonly file: string
  readonly scored: string
  readonly topics: { readonly lines: string; readonly scores: string }
  readonly names: { readonly source: string; readonly score: string; readonly sink: string }
  readonly create: (which: 'source' | 'score' | 'sink') => Promise<void>
  /** The numbers of the scored lines, in the order of the file. */
  readonly numbers: () => Promise<number[]>
}

describe('FileStreamSource → topic → TopicSink with a model → topic → FileStreamSink', function () {
  this.timeout(300_000)
  let sluice: SluiceDev
  let folder: string

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-flow-'))
    sluice = await startSluiceDev()
  })

  after(async () => {
    await sluice.stop()
    await rm(folder, { recursive: true, force: true })
  })

  function flow(id: string): Flow {
    const [file, scored] = [path.join(folder, `${id}.csv`), path.join(folder, `${id}.scored`)]
    const topics = { lines: `${id}-lines`, scores: `${id}-scores` }
    const names = { source: `${id}-source`, score: `${id}-score`, sink: `${id}-sink` }
    const configs: Record<keyof typeof names, Record<string, string>> = {
      source: {
        ...{ 'connector.class': 'FileStreamSource', file, topic: topics.lines },
        'topic.creation.default.replication.factor': '1',
        'topic.creation.default.partitions': String(PARTITIONS),
        transforms: 'parse,key,number',
        'transforms.parse.type': 'ParseCsv$Value',
        'transforms.parse.fields': `n:int32,${SIZES.map((name) => `${name}:float64`).join(',')}`,
        'transforms.key.type': 'ValueToKey',
        'transforms.key.fields': 'n',
        'transforms.number.type': 'ExtractField$Key',
        'transforms.number.field': 'n',
      },
      score: {
        ...{ 'connector.class': 'TopicSink', topics: topics.lines, 'target.topic': topics.scores },
        transforms: 'score',
        'transforms.score.type': 'ScoreOnnx$Value',
        'transforms.score.model': 'iris-onnx',
        'transforms.score.fields': SIZES.join(','),
      },
      sink: { 'connector.class': 'FileStreamSink', topics: topics.scores, file: scored },
    }
    const create = async (which: keyof typeof names): Promise<void> => {
      const config = {
        ...configs[which],
        'key.converter': 'IntegerConverter',
        'value.converter': 'AvroConverter',
        'value.converter.schema.registry.url': sluice.schemaRegistry,
      }
      const created = await call(sluice.rest, 'POST', '/connectors', { name: names[which], config })
      expect(created.status, JSON.stringify(created.body)).to.equal(201)
    }
    const numbers = async (): Promise<number[]> => {
      const text = await readFile(scored, 'utf8').catch(() => '')
      return text.split('\n').slice(0, -1).map(numberOf)
    }
    return { file, scored, topics, names, create, numbers }
  }

  function numberOf(line: string): number {
    const n = /^Struct\{n=(\d+),.*,prediction=(setosa|versicolor|virginica),/.exec(line)?.[1]
    if (n === undefined) throw new Error(`not a scored line: ${line}`)
    return Number(n)
  }

  /** Kills a process of the worker whose command line has a word, once there is one: any of several. */
  async function kill(word: string): Promise<void> {
    const victim = await eventually(
      () => {
        const all = descendantsOf(sluice.process.pid).filter(({ command }) => command.includes(word))
        return all[Math.floor(Math.random() * all.length)]
      },
      { timeoutMs: 60_000 },
    )
    process.kill(victim.pid, 'SIGKILL')
  }

  async function stop(name: string): Promise<void> {
    expect((await call(sluice.rest, 'PUT', `/connectors/${name}/stop`)).status).to.equal(204)
    const stopped = async (): Promise<boolean> => {
      const { body } = await call(sluice.rest, 'GET', `/connectors/${name}/status`)
      const { connector, tasks } = body as { connector: { state: string }; tasks: unknown[] }
      return connector.state === 'STOPPED' && tasks.length === 0
    }
    await eventually(stopped, { timeoutMs: 60_000 })
  }

  it(`scores each of ${LINES} lines of a growing file, in order, whichever process is killed`, async () => {
    const { file, topics, names, create, numbers } = flow(uniqueName('flow'))
    await writeFile(file, '')
    for (const which of ['source', 'score', 'sink'] as const) await create(which)
    const moments = VICTIMS.map(() => CHUNK + Math.floor(Math.random() * (LINES - CHUNK))).toSorted(
      (a, b) => a - b,
    )
    const seen = new Set<number>()
    const caughtUp = (most: number) =>
      eventually(
        async () => {
          for (const n of await numbers()) seen.add(n)
          return seen.size >= most
        },
        { timeoutMs: 90_000, everyMs: 200 },
      ).catch(() => {
        throw new Error(`${seen.size} of ${most} lines came through; killed at ${moments.join(', ')}`)
      })
    let killed = 0
    for (let written = 0; written < LINES; written += CHUNK) {
      await appendFile(file, lines(written, written + CHUNK))
      if (written + CHUNK > MOST_BEHIND) await caughtUp(written + CHUNK - MOST_BEHIND)
      for (; written + CHUNK > (moments[killed] ?? Infinity); killed++) await kill(VICTIMS[killed] ?? '')
    }
    expect(killed).to.equal(VICTIMS.length)
    await caughtUp(LINES)

    const all = Array.from({ length: LINES }, (_, n) => n)
    const came: string[] = []
    for (const topic of [topics.lines, topics.scores]) {
      const records = await readTopic(sluice.bootstrapServers, topic)
      came.push(`${records.length} records in ${topic}`)
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const read = records.filter((each) => each.partition === partition)
        const wanted = all.filter((n) => partitionOf(n) === partition)
        expect(firstGap(firsts(read.map(({ key }) => key?.readInt32BE() ?? -1)), wanted), topic).to.equal(
          'none',
        )
      }
    }
    const scored = await numbers()
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const isHere = (n: number): boolean => partitionOf(n) === partition
      expect(firstGap(firsts(scored.filter(isHere)), all.filter(isHere)), 'the file').to.equal('none')
    }
    for (const name of Object.values(names)) await untilTasks(sluice.rest, name, 'RUNNING')
    console.log(
      `      at-least-once: ${came.join(', ')}, ${scored.length} lines scored; killed at ${moments.join(', ')}`,
    )
  })

  it('goes on where it was when its connectors are deleted and created again, and anew once its offsets are', async () => {
    const { file, topics, names, create, numbers } = flow(uniqueName('again'))
    const come = (count: number) =>
      eventually(async () => expect(await numbers()).to.have.length(count), { timeoutMs: 60_000 })
    await writeFile(file, lines(0, 100))
    for (const which of ['source', 'score', 'sink'] as const) await create(which)
    await come(100)
    for (const name of Object.values(names))
      expect((await call(sluice.rest, 'DELETE', `/connectors/${name}`)).status).to.equal(204)
    await eventually(
      async () => (await call(sluice.rest, 'GET', `/connectors/${names.sink}/status`)).status === 404,
    )
    await appendFile(file, lines(100, 150))
    for (const which of ['source', 'score', 'sink'] as const) await create(which)
    await come(150)
    expect((await numbers()).toSorted((a, b) => a - b)).to.deep.equal(
      Array.from({ length: 150 }, (_, n) => n),
    )

    await stop(names.source)
    expect((await call(sluice.rest, 'DELETE', `/connectors/${names.source}/offsets`)).status).to.equal(200)
    await call(sluice.rest, 'DELETE', `/connectors/${names.source}`)
    await create('source')
    await come(300)
    expect(await readTopic(sluice.bootstrapServers, topics.lines)).to.have.length(300)
    expect(new Set(await numbers())).to.have.property('size', 150)
  })
})

/** In words: the first number that is missing, or not in its place. */
function firstGap(read: readonly number[], wanted: readonly number[]): string {
  const at = wanted.findIndex((n, i) => read[i] !== n)
  if (at < 0 && read.length === wanted.length) return 'none'
  return `${read.slice(at, at + 3).join(' ')} instead of ${wanted.slice(at, at + 3).join(' ')}, place ${at} of ${wanted.length}`
}
