import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type ConfigKeys,
  type ConnectError,
  type Converter,
  type ConverterPlugin,
  type EncodedRows,
  type FailRow,
  SILENT,
  type SideName,
  type Slices,
} from '../../src/index.ts'

/** Byte ranges of one buffer, as a fetched batch has them; null is a tombstone. */
export function slicesOf(rows: readonly (Uint8Array | null)[]): Slices {
  const start = new Int32Array(rows.length)
  const end = new Int32Array(rows.length)
  const parts = [Buffer.from('before')]
  let at = 6
  for (const [row, bytes] of rows.entries()) {
    start[row] = bytes === null ? -1 : at
    if (bytes !== null) {
      parts.push(Buffer.from(bytes))
      at += bytes.length
    }
    end[row] = bytes === null ? -1 : at
  }
  parts.push(Buffer.from('after'))
  return { bytes: Buffer.concat(parts), start, end, length: rows.length }
}

/** Rows that fail, and which rows are still live. */
export class Failures {
  readonly errors = new Map<number, ConnectError>()
  readonly fail: FailRow = (row, error) => {
    if (!this.errors.has(row)) this.errors.set(row, error)
  }
  isLive(row: number): boolean {
    return !this.errors.has(row)
  }
  /** The error code of each failed row. */
  codes(): Record<number, string> {
    return Object.fromEntries([...this.errors].map(([row, error]) => [row, error.code]))
  }
}

/** The bytes of each row; null where a row is null. */
export function bytesOf(encoded: EncodedRows, rows: Iterable<number>): (Buffer | null)[] {
  return Array.from(rows, (row) => {
    const size = encoded.size(row)
    if (size < 0) return null
    const target = Buffer.alloc(size + 3, 0xee)
    const end = encoded.write(row, target, 3)
    if (end !== size + 3) throw new Error(`row ${row} says ${size} bytes and wrote ${end - 3}`)
    return target.subarray(3)
  })
}

export function allRows(length: number): Int32Array {
  return Int32Array.from({ length }, (_, row) => row)
}

/** Opens a converter with a string configuration. */
export function openConverter<K extends ConfigKeys>(
  plugin: ConverterPlugin<K>,
  raw: Record<string, string> = {},
  side: SideName = 'value',
): Converter {
  return plugin.open(plugin.config.read(raw), { side, log: SILENT })
}

interface Asked {
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  readonly body: { schema: string; references?: unknown } | undefined
}

/** What the stand-in answers instead of its own; undefined lets it answer itself. */
type Override = (asked: Asked) => StandInAnswer | undefined

interface StandInAnswer {
  readonly status: number
  readonly body?: unknown
  /** In place of a body: what is no JSON. */
  readonly text?: string
  readonly location?: string
  readonly delayMs?: number
}

interface Stored {
  schema: string
  schemaType?: string
  references?: unknown
}

const NOT_FOUND = { status: 404, body: { error_code: 40403, message: 'Schema not found' } }

/** A schema registry of thirty lines, to show what a converter does when one misbehaves. */
export class RegistryStandIn {
  readonly asked: Asked[] = []
  readonly ids = new Map<number, Stored>()
  readonly subjects = new Map<string, number[]>()
  override: Override = () => undefined
  url = ''
  #close: () => Promise<void> = () => Promise.resolve()

  static async start(): Promise<RegistryStandIn> {
    const registry = new RegistryStandIn()
    const server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        const asked: Asked = {
          method: request.method ?? '',
          path: request.url ?? '',
          authorization: request.headers.authorization,
          body: text === '' ? undefined : (JSON.parse(text) as { schema: string }),
        }
        registry.asked.push(asked)
        const answer = registry.override(asked) ?? registry.answer(asked)
        setTimeout(() => {
          const { status, text, location, body = { error_code: status, message: 'so it is' } } = answer
          const type = text === undefined ? 'application/json' : 'text/html'
          response.writeHead(status, {
            'content-type': type,
            ...(location === undefined ? {} : { location }),
          })
          response.end(text ?? JSON.stringify(body))
        }, answer.delayMs ?? 0)
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    registry.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    registry.#close = () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    return registry
  }

  stop(): Promise<void> {
    return this.#close()
  }

  /** Puts a schema in by hand; returns its id. */
  add(
    schema: unknown,
    options: { subject?: string; references?: unknown; schemaType?: string } = {},
  ): number {
    const { subject, ...rest } = options
    const id = this.ids.size + 1
    this.ids.set(id, { schema: typeof schema === 'string' ? schema : JSON.stringify(schema), ...rest })
    if (subject !== undefined) this.subjects.set(subject, [...(this.subjects.get(subject) ?? []), id])
    return id
  }

  answer({ method, path, body }: Asked): StandInAnswer {
    const [, kind = '', name = '', last = '', version = ''] = path.split('/').map(decodeURIComponent)
    if (kind === 'schemas') {
      const found = this.ids.get(Number(last))
      return found === undefined ? NOT_FOUND : { status: 200, body: found }
    }
    const versions = this.subjects.get(name) ?? []
    if (method === 'GET') {
      const id = versions[Number(version) - 1]
      return id === undefined ? NOT_FOUND : { status: 200, body: { ...this.ids.get(id), id } }
    }
    const known = versions.find((id) => this.ids.get(id)?.schema === body?.schema)
    if (last === '') return known === undefined ? NOT_FOUND : { status: 200, body: { id: known } }
    const { schema = '', references } = body ?? {}
    return { status: 200, body: { id: known ?? this.add(schema, { subject: name, references }) } }
  }
}
