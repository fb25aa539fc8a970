/**
 * Kafka Connect's names of levels, which are log4j's, and what each lets through: lines of a rank that is not lower. There are no
 * lines below DEBUG or above ERROR.
 */
const RANKS = { ALL: 0, TRACE: 10, DEBUG: 20, INFO: 30, WARN: 40, ERROR: 50, FATAL: 60, OFF: 100 } as const

export type LevelName = keyof typeof RANKS

/** In any case; undefined where it is none. */
export function levelNameOf(text: string): LevelName | undefined {
  const name = text.trim().toUpperCase()
  return Object.hasOwn(RANKS, name) ? (name as LevelName) : undefined
}

export const ROOT = 'root'
/** Tells who changed what: neither a setting nor a request over REST silences it. */
const AUDIT = 'sluice.audit'
const CONNECTORS = 'sluice.connectors'

/** Who logs, and the packages of Kafka Connect that log the same: what is set there acts here. */
const JAVA_NAMES: Readonly<Record<string, string>> = {
  [CONNECTORS]: 'org.apache.kafka.connect.runtime',
  'sluice.hosts': 'org.apache.kafka.connect.runtime',
  'sluice.kafka': 'org.apache.kafka.clients',
  'sluice.models': 'org.apache.kafka.connect.transforms',
  'sluice.rest': 'org.apache.kafka.connect.runtime.rest',
  'sluice.worker': 'org.apache.kafka.connect.runtime.distributed',
}

/** The logger of a connector and its tasks. */
export function connectorLogger(connector: string): string {
  return `${CONNECTORS}.${connector}`
}

export interface LoggerLevel {
  readonly level: LevelName
  /** When it was set, in milliseconds since 1970; null where it never was. */
  readonly lastModified: number | null
}

/** The levels that were set, by logger; the form in which a worker tells its task hosts. */
export type LevelTable = readonly (readonly [logger: string, level: LevelName])[]

/**
 * The levels of the loggers of a process. A logger has the level that was set for it, else that of the nearest logger above it
 * (`sluice.connectors` is above `sluice.connectors.fraud`), `root` at last. May change at any time.
 */
export class LogLevels {
  readonly #set = new Map<string, LoggerLevel>()
  /** Loggers that exist without a level of their own. */
  readonly #known: readonly string[] = Object.keys(JAVA_NAMES)
  #onChange: (table: LevelTable) => void = () => undefined
  /** Another one after each change. */
  version = 0

  /** `silent`, the word of our settings, is OFF. */
  constructor(rootLevel: string) {
    const level = rootLevel === 'silent' ? 'OFF' : (levelNameOf(rootLevel) ?? 'INFO')
    this.#set.set(ROOT, { level, lastModified: null })
  }

  /** The lowest rank of lines that a logger lets through: 20 debug, 30 info, 40 warn, 50 error. */
  threshold(logger: string): number {
    if (logger === AUDIT) return RANKS.INFO
    return RANKS[this.#effective(logger).level]
  }

  /** Undefined where there is no such logger. */
  get(logger: string): LoggerLevel | undefined {
    const name = nameOf(logger)
    if (!this.#set.has(name) && !this.#known.includes(name)) return undefined
    return this.#set.get(name) ?? this.#inherited(name)
  }

  /** All loggers that there are, by name. */
  all(): ReadonlyMap<string, LoggerLevel> {
    const found = new Map<string, LoggerLevel>()
    for (const name of [...new Set([...this.#set.keys(), ...this.#known])].sort())
      found.set(name, this.#set.get(name) ?? this.#inherited(name))
    return found
  }

  /** Sets the level of a logger and of all below it; makes it where it is not there. Gives the names of those that changed. */
  set(logger: string, level: LevelName, now: number = Date.now()): string[] {
    const name = nameOf(logger)
    const names = new Set([...this.#set.keys(), ...this.#known, name])
    const below = [...names].filter((each) => name === ROOT || isWithin(name, each)).sort()
    const changed = below.filter((each) => this.#effective(each).level !== level)
    for (const each of below) {
      const lastModified = changed.includes(each) ? now : (this.#set.get(each)?.lastModified ?? null)
      this.#set.set(each, { level, lastModified })
    }
    this.version++
    this.#onChange(this.table())
    return changed
  }

  table(): LevelTable {
    return [...this.#set].map(([logger, { level }]) => [logger, level] as const)
  }

  /** Takes another process's table in the place of what was set here. */
  take(table: LevelTable): void {
    this.#set.clear()
    for (const [logger, level] of table) this.#set.set(logger, { level, lastModified: null })
    this.version++
  }

  /** Tells of each change from now on. */
  follow(onChange: (table: LevelTable) => void): void {
    this.#onChange = onChange
  }

  #inherited(logger: string): LoggerLevel {
    return { level: this.#effective(logger).level, lastModified: null }
  }

  #effective(logger: string): LoggerLevel {
    for (let name = logger; name !== ''; name = name.slice(0, Math.max(0, name.lastIndexOf('.')))) {
      const found = this.#set.get(name)
      if (found !== undefined) return found
    }
    return this.#set.get(ROOT) ?? { level: 'INFO', lastModified: null }
  }
}

/** The root logger is known in any case, as in Kafka Connect. */
function nameOf(logger: string): string {
  return logger.toLowerCase() === ROOT ? ROOT : logger
}

function isWithin(name: string, logger: string): boolean {
  const java = Object.keys(JAVA_NAMES).find((own) => isBelow(own, logger))
  return isBelow(name, logger) || (java !== undefined && isBelow(name, JAVA_NAMES[java] ?? ''))
}

function isBelow(name: string, logger: string): boolean {
  return logger === name || logger.startsWith(`${name}.`)
}
