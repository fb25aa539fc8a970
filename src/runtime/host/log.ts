import { pino, type Logger as Pino } from 'pino'
import { isSecretName, MASK, withoutCredentials } from '../../api/credentials.ts'
import type { Logger } from '../../api/log.ts'
import { connectorLogger, LogLevels, ROOT } from './log-levels.ts'

type Fields = Readonly<Record<string, unknown>>

/**
 * The environment variable that tells a worker, and with it its task hosts, what to call themselves in each line (`process`):
 * where several write to one place.
 */
export const LOG_NAME = 'SLUICE_LOG_NAME'

/** Where lines go; a test collects them. */
export interface LogSink {
  write(line: string): void
}

/**
 * Writes one JSON object per line to standard error: `level` (a name), `time` (ISO 8601), `message`, and the fields.
 * Lines are written synchronously, so the last words of a process are not lost. A child whose fields name a `logger` or a
 * `connector` goes by that name, which has a level of its own (log-levels.ts).
 */
export function createLogger(level: string | LogLevels, fields: Fields = named(), sink?: LogSink): Logger {
  const levels = typeof level === 'string' ? new LogLevels(level) : level
  const root = pino(
    {
      level: 'trace', // `levels` says what is written
      base: null,
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    sink ?? pino.destination({ dest: 2, sync: true }),
  )
  return new PinoLogger(root, levels, { name: ROOT, shown: {} }).child(fields)
}

function named(): Fields {
  const name = process.env[LOG_NAME] ?? ''
  return name === '' ? {} : { process: name }
}

const RANK = { debug: 20, info: 30, warn: 40, error: 50 } as const

/** What a logger is called, and how its lines say so: not where their fields do. */
interface Named {
  readonly name: string
  readonly shown: Fields
}

class PinoLogger implements Logger {
  readonly #pino: Pino
  readonly #levels: LogLevels
  readonly #named: Named
  /** Which levels are written, as it was at a version of the table. */
  #at = -1
  #from = 0

  constructor(to: Pino, levels: LogLevels, named: Named) {
    this.#pino = to
    this.#levels = levels
    this.#named = named
  }

  debug(message: string, fields?: Fields): void {
    this.#write('debug', message, fields)
  }

  info(message: string, fields?: Fields): void {
    this.#write('info', message, fields)
  }

  warn(message: string, fields?: Fields): void {
    this.#write('warn', message, fields)
  }

  error(message: string, fields?: Fields): void {
    this.#write('error', message, fields)
  }

  child({ logger, ...fields }: Fields): Logger {
    const { connector } = fields
    let named = this.#named
    if (typeof logger === 'string') named = { name: logger, shown: { logger } }
    else if (typeof connector === 'string') named = { name: connectorLogger(connector), shown: {} }
    return new PinoLogger(this.#pino.child(presentable(fields)), this.#levels, named)
  }

  #write(level: keyof typeof RANK, message: string, fields: Fields | undefined): void {
    const { version } = this.#levels
    if (this.#at !== version) {
      this.#at = version
      this.#from = this.#levels.threshold(this.#named.name)
    }
    if (RANK[level] < this.#from) return
    this.#pino[level](presentable({ ...this.#named.shown, ...fields }), withoutCredentials(message))
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
