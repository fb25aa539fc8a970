import { appendFile, readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect } from 'chai'
import { eventually } from '../support/eventually.ts'
import { sharedKafka } from '../support/kafka.ts'
import { readTopic } from '../support/topics.ts'

const PATIENT = { timeoutMs: 90_000, everyMs: 200 }

/** A file of numbered lines, a source that writes them to a topic, and a sink that writes them to another file. */
export class NumberedLines {
  readonly source: Readonly<Record<string, string>>
  readonly sink: Readonly<Record<string, string>>
  readonly #name: string
  readonly #topic: string
  readonly #file: string
  readonly #copy: string
  readonly #lines: string[] = []

  constructor(folder: string, name: string, topic: string) {
    this.#name = name
    this.#topic = topic
    this.#file = path.join(folder, `${name}.txt`)
    this.#copy = path.join(folder, `${name}-copy.txt`)
    this.source = {
      'connector.class': 'org.apache.kafka.connect.file.FileStreamSourceConnector',
      'tasks.max': '1',
      file: this.#file,
      topic,
      'topic.creation.default.partitions': '1',
      'topic.creation.default.replication.factor': '1',
    }
    this.sink = { 'connector.class': 'FileStreamSink', 'tasks.max': '1', topics: topic, file: this.#copy }
  }

  /** What a source that has read everything stores. */
  get offset() {
    return { partition: { filename: this.#file }, offset: { position: this.#text().length } }
  }

  async append(count: number): Promise<void> {
    const from = this.#lines.length
    for (let i = from; i < from + count; i++) this.#lines.push(`${this.#name} ${i}`)
    await appendFile(this.#file, this.#text(from))
  }

  /** Each line is in the topic once, in order, as Kafka Connect's JsonConverter writes it. */
  async areInTopic(): Promise<void> {
    const schema = { type: 'string', optional: false }
    const wanted = this.#lines.map((payload) => JSON.stringify({ schema, payload }))
    const { bootstrapServers } = await sharedKafka()
    await eventually(async () => {
      const records = await readTopic(bootstrapServers, this.#topic)
      expect(records.map(({ value }) => String(value))).to.deep.equal(wanted)
      return true
    }, PATIENT)
  }

  /** Each line is in the sink's file once, in order. */
  async areCopied(): Promise<void> {
    await eventually(async () => {
      expect(await readFile(this.#copy, 'utf8')).to.equal(this.#text())
      return true
    }, PATIENT)
  }

  #text(from = 0): string {
    return this.#lines
      .slice(from)
      .map((line) => `${line}\n`)
      .join('')
  }
}
