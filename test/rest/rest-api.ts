import { expect } from 'chai'
import { after, afterEach, before } from 'mocha'
import { SILENT } from '../../src/api/log.ts'
import { type RestServer, startRest } from '../../src/rest/server.ts'
import type { RunningWorker } from '../../src/worker/worker.ts'
import { memoryWorker, type MemoryWorker } from '../worker/memory-worker.ts'

export const CONFIG = {
  'connector.class': 'TopicSink',
  'tasks.max': '1',
  topics: 'in',
  'target.topic': 'out',
}

export interface Answer {
  readonly code: number
  readonly headers: Headers
  readonly body: unknown
}

type Call = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Answer>

export interface RestApi {
  readonly worker: MemoryWorker
  readonly port: number
  /** What the API sees: undefined while the worker starts. */
  readonly show: (worker: RunningWorker | undefined) => void
  readonly call: Call
  readonly create: (name: string, config?: object) => Promise<Answer>
}

/** The REST API of a worker in memory, for the tests of one `describe`; its connectors are removed after each test. */
export function restApi(): RestApi {
  let worker: MemoryWorker
  let visible: RunningWorker | undefined
  let server: RestServer

  before(async () => {
    worker = await memoryWorker({
      problems: (config) =>
        config['target.topic'] === 'deep' ? [{ path: 'target.topic', message: 'found by a host' }] : [],
    })
    visible = worker
    const context = { worker: () => visible, version: '0.1.0', hosts: ['connect.test'], log: SILENT }
    server = await startRest({ host: '127.0.0.1', port: 0 }, context)
  })

  after(async () => {
    await server.close()
    await worker.stop()
  })

  afterEach(async () => {
    for (const name of worker.herder.views.names()) await worker.herder.remove(name)
  })

  const call: Call = async (method, path, body, headers = { 'content-type': 'application/json' }) => {
    const sent = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: typeof sent === 'string' ? sent : new Uint8Array(sent), headers }),
    })
    const answer = await response.text()
    const data = answer === '' ? undefined : (JSON.parse(answer) as unknown)
    return { code: response.status, headers: response.headers, body: data }
  }

  return {
    get worker() {
      return worker
    },
    get port() {
      return server.port
    },
    show: (shown) => void (visible = shown),
    call,
    create: (name, config = CONFIG) => call('POST', '/connectors', { name, config }),
  }
}

export function messageOf({ body }: Answer): string {
  return (body as { message: string }).message
}

/** The answer is Kafka Connect's error body, and says nothing of our insides. */
export function expectError(answer: Answer, code: number): void {
  expect(answer.code).to.equal(code)
  expect(answer.headers.get('content-type')).to.match(/^application\/json/)
  expect(answer.body).to.have.all.keys('error_code', 'message')
  expect((answer.body as { error_code: number }).error_code).to.equal(code)
  expect(messageOf(answer)).not.to.match(/\n\s+at |node_modules|\.ts:/)
}
