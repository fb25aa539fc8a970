import { SILENT } from '../../src/api/log.ts'
import { serveRegistry } from '../../src/registry/server.ts'
import { MemoryTopic } from './memory-topic.ts'

export interface Answer {
  readonly status: number
  readonly body: unknown
}

export interface RegistryUnderTest {
  readonly url: string
  readonly topic: MemoryTopic
  call(method: string, path: string, body?: unknown): Promise<Answer>
  /** Registers a schema (text, or JSON) and gives the answer. */
  register(subject: string, schema: unknown, more?: object): Promise<Answer>
  close(): Promise<void>
}

/** A registry on a port of its own and a topic in memory. */
export async function startMemoryRegistry(topic = new MemoryTopic()): Promise<RegistryUnderTest> {
  const server = await serveRegistry(topic.open, 0, SILENT)
  const call = (method: string, path: string, body?: unknown) => callRegistry(server.url, method, path, body)
  return {
    url: server.url,
    topic,
    call,
    register: (subject, schema, more = {}) =>
      call('POST', `/subjects/${encodeURIComponent(subject)}/versions`, { schema: textOf(schema), ...more }),
    close: () => server.close(),
  }
}

export async function callRegistry(
  url: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer> {
  const init = {
    headers: { 'Content-Type': 'application/vnd.schemaregistry.v1+json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  }
  const response = await fetch(url + path, { method, ...(body === undefined ? {} : init) })
  return { status: response.status, body: await response.json() }
}

export const textOf = (schema: unknown): string =>
  typeof schema === 'string' ? schema : JSON.stringify(schema)

export type FieldOfTest = readonly [name: string, type: unknown, fallback?: unknown]

/** The text of a record schema. */
export function recordText(name: string, ...fields: readonly FieldOfTest[]): string {
  return JSON.stringify({
    type: 'record',
    name,
    fields: fields.map(([field, type, ...fallback]) => ({
      name: field,
      type,
      ...(fallback.length === 0 ? {} : { default: fallback[0] }),
    })),
  })
}

/** The part of an answer that says what went wrong. */
export const errorOf = ({ status, body }: Answer) => ({
  status,
  code: (body as { error_code?: number }).error_code,
})
