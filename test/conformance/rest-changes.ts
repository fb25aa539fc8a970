import { writeFile } from 'node:fs/promises'
import type { Kafka } from 'kafkajs'
import { eventually } from '../support/eventually.ts'
import { createTopic } from './rest-worker.ts'
import { type Answer, type Names, readJson, replay, type Step } from './rest-replay.ts'

/** A step of rest-changes-script.json. `holds`: what the answer's JSON has to hold; the request is repeated until it does. */
type ChangeStep = Step & { readonly holds?: string }

export function readChangesScript(): ChangeStep[] {
  return readJson('rest-changes-script.json') as ChangeStep[]
}

/** What the script reads: two partitions of three records each, and a file of two lines at `/tmp/<topic>.txt`. */
export async function prepare(kafka: Kafka, topic: string): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await createTopic(admin, { topic, numPartitions: 2 })
  await createTopic(admin, { topic: `${topic}-lines`, numPartitions: 1 })
  await admin.disconnect()
  const producer = kafka.producer()
  await producer.connect()
  const messages = [0, 1, 2].flatMap((n) => [0, 1].map((partition) => ({ partition, value: String(n) })))
  await producer.send({ topic, messages })
  await producer.disconnect()
  await writeFile(linesFile(topic), 'one\ntwo\n')
}

export function linesFile(topic: string): string {
  return `/tmp/${topic}.txt`
}

/** Sends the script to a worker; the answers are comparable. */
export async function replayChanges(where: Omit<Names, 'folder'>): Promise<Answer[]> {
  const names = { ...where, folder: '(none)' }
  const answers: Answer[] = []
  for (const step of readChangesScript()) {
    const send = async (): Promise<Answer[]> => {
      const found = await replay([step], names)
      if (step.holds !== undefined && !JSON.stringify(found[0]?.body).includes(step.holds))
        throw new Error(`${JSON.stringify(step)}: ${JSON.stringify(found)}`)
      return found
    }
    const found = await (step.holds === undefined ? send() : eventually(send, { timeoutMs: 30_000 }))
    answers.push(...found.map(comparableAnswer))
  }
  return answers
}

function comparableAnswer(answer: Answer): Answer {
  return 'body' in answer ? { ...answer, body: comparable(answer.body) } : answer
}

/**
 * Times differ from run to run; the offsets of a connector and the methods of a path have no order; each worker has loggers
 * of its own.
 */
function comparable(body: unknown): unknown {
  if (typeof body === 'string' && /^[A-Z]+(, [A-Z]+)*$/.test(body)) return body.split(', ').sort().join(', ')
  if (Array.isArray(body)) return body.map(comparable)
  if (typeof body !== 'object' || body === null) return body
  if ('root' in body) return { root: body.root }
  const entries = Object.entries(body).map(([key, value]: [string, unknown]) => {
    if (key === 'last_modified' && typeof value === 'number') return [key, '<time>']
    if (key === 'offsets' && Array.isArray(value)) return [key, sorted(value)]
    return [key, comparable(value)]
  })
  return Object.fromEntries(entries) as unknown
}

function sorted(list: readonly unknown[]): unknown[] {
  return list
    .map((each) => ({ each, text: JSON.stringify(each, keysOf(each)) }))
    .sort((a, b) => (a.text < b.text ? -1 : 1))
    .map(({ each }) => each)
}

/** The keys of nested objects, by name: Java's maps have no order. */
function keysOf(data: unknown): string[] {
  if (typeof data !== 'object' || data === null) return []
  return Object.entries(data)
    .flatMap(([key, value]) => [key, ...keysOf(value)])
    .sort()
}
