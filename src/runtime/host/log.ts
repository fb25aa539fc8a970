import { pino, type Logger as Pino } from 'pino'
import { isSecretName, MASK, withoutCredentials } from '../../api/credentials.ts'
import type { Logger } from '../../api/log.ts'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const

type Fields = Readonly<Record<string, unknown>>

/** Where lines go; a test collects them. */
export interface LogSink {
  write(line: string): void
}

/**
 * Writes one JSON object per line to standard error: `level` (a name), `time` (ISO 8601), `message`, and the fields.
 * Lines are written synchronously, so the last words of a process are not lost.
 */
export function createLogger(level: string, fields: Fields = {}, sink?: LogSink): Logger {
  const root = pino(
    {
      level: LOG_LEVELS.find((known) => known === level.toLowerCase()) ?? 'info',
      base: null,
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    sink ?? pino.destination({ dest: 2, sync: true }),
  )
  return new PinoLogger(root).child(fields)
}

class PinoLogger implements Logger {
  readonly #pino: Pino

  constructor(to: Pino) {
    this.#pino = to
  }

  debug(message: string, fields?: Fields): void {
    if (this.#pino.isLevelEnabled('debug')) this.#pino.debug(presentable(fields), withoutCredentials(message))
  }

  info(message: string, fields?: Fields): void {
    this.#pino.info(presentable(fields), withoutCredentials(message))
  }

  warn(message: string, fields?: Fields): void {
    this.#pino.warn(presentable(fields), withoutCredentials(message))
  }

  error(message: string, fields?: Fields): void {
    this.#pino.error(presentable(fields), withoutCredentials(message))
  }

  child(fields: Fields): Logger {
    return new PinoLogger(this.#pino.child(presentable(fields)))
  }
}

const SECRET_KEY = /password|secret|token|credential|user\.?info|jaas|api\.?key/i
const MAX_DEPTH = 5

// Invariant 7: no secret leaves the process, also where a whole configuration or a URL is logged.
function presentable(fields: Fields | undefined): Record<string, unknown> {
  return presentableValue(fields ?? {}, 0) as Record<string, unknown>
}

function presentableValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return withoutCredentials(value)
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Error) return describeError(value, depth)
  if (value === null || typeof value !== 'object') return value
  if (depth >= MAX_DEPTH) return '[…]'
  if (Array.isArray(value)) return value.map((item) => presentableValue(item, depth + 1))
  const entries = Object.entries(value).map(([key, item]) => [
    key,
    (SECRET_KEY.test(key) || isSecretName(key)) && item !== undefined
      ? MASK
      : presentableValue(item, depth + 1),
  ])
  return Object.fromEntries(entries) as unknown
}

function describeError(error: Error, depth: number): unknown {
  const { name, message, stack, cause } = error
  const code = 'code' in error ? error.code : undefined
  const text = { message: withoutCredentials(message), stack: withoutCredentials(stack ?? '') }
  const origin = cause === undefined || depth >= MAX_DEPTH ? undefined : presentableValue(cause, depth + 1)
  return { name, code, ...text, cause: origin }
}
