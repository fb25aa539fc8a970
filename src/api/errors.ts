/**
 * The one error catalogue. A code is stable and dotted; its text here says what the error means, the message of
 * an instance says what happened and what to do. `docs/reference/errors.md` is generated from this file.
 *
 * Retrying is opt-in: an error that we did not create is never retriable.
 */
export const ERROR_CATALOGUE = {
  'config.invalid': 'A configuration has one or more problems; all of them are listed.',
  'config.file': 'A configuration file cannot be read or parsed.',
  'connector.exists': 'A connector of this name exists already.',
  'connector.unknown': 'No connector of this name exists.',
  'task.unknown': 'The connector has no task of this number.',
  'plugin.unknown': 'No plugin of this class is installed.',
  'request.invalid': 'A request body or query cannot be understood.',
  'connector.offsets': 'The offsets of a connector cannot be changed while its consumer group has members.',
  'request.rebalancing': 'The request conflicts with a rebalance that is going on; it can be repeated.',
  'access.busy':
    'Who asks the REST API cannot be checked at the moment: too many ask at once, or the keys of tokens cannot be fetched.',
  'cluster.unavailable': 'Another worker of the cluster cannot be reached, or does not answer as one.',
  'record.malformed': 'The bytes of a record are not what its converter expects.',
  'record.schema': 'A record has a schema that cannot be used, or none where one is needed.',
  'record.field': 'A field is missing, has the wrong type or collides with another.',
  'record.too-large': 'A record is larger than the target topic accepts.',
  'record.refused':
    'Kafka refuses a record: its time is out of bounds, or it has no key in a compacted topic.',
  'record.loop': 'A record would be written to a topic that its connector reads.',
  'record.value': 'A value does not fit its schema.',
  'record.poison':
    'A record makes its task host die, alone too: a plugin does not return, or takes the process with it.',
  'record.image':
    'An image is not JPEG, PNG or WebP, is damaged or too large, or its location may not or cannot be read.',
  'schema.unknown': 'The registry does not know a schema id, subject or version.',
  'schema.invalid': 'A schema is malformed or exceeds a limit.',
  'schema.incompatible': 'The registry refuses a schema as incompatible with earlier versions.',
  'registry.unavailable':
    'The schema registry cannot be reached, or its answer is none of a schema registry: the task waits for it.',
  'registry.denied':
    'The schema registry refused the credentials, or its certificate or ours is not accepted.',
  'model.missing': 'No model of this name or path exists, or it lies outside the allowed folders.',
  'model.corrupt': 'A model file is damaged, truncated or exceeds a limit.',
  'model.unsupported': 'A model file has a format or algorithm that is not supported.',
  'model.format':
    'The model format of a package throws, does not end, or returns something of a wrong shape.',
  'model.manifest': 'A manifest is wrong or does not fit its model file.',
  'model.probe': 'A model does not give the outputs that its probe file records.',
  'model.incompatible': 'A new version of a model reads or writes other fields than the one that serves.',
  'model.exists': 'The model has this version already.',
  'model.own': 'The version was copied into a models.dir by hand.',
  'model.storage': 'A model cannot be stored: the disk is full, or its folder may not be written.',
  'kafka.unavailable': 'A broker or coordinator cannot be reached at the moment.',
  'kafka.security':
    'A broker or token endpoint refuses the client, or the client does not trust its certificate: see security.protocol, sasl.* and ssl.*.',
  'kafka.protocol': 'A broker answered with an error that retrying does not fix.',
  'kafka.corrupt':
    'Fetched bytes fail their checksum, are not a record batch of magic 2, or inflate beyond the limit.',
  'kafka.offset': 'A partition has no offset to go on from, and auto.offset.reset is none.',
  'kafka.topic': 'A topic is missing, or its partitions or settings do not fit.',
  'kafka.rebalancing': 'A group rebalances, and takes no offsets until that is over.',
  'kafka.fenced': 'A newer owner has taken over; this one stops.',
  'source.offset': 'A source partition or offset cannot be stored or read: it is not a flat JSON object.',
  'offset.file':
    'The file in which a standalone worker keeps offsets is damaged, cannot be written, or is used by another worker.',
  'task.failed': 'A task failed.',
  'task.tolerance': 'A record failed and errors.tolerance is none.',
  'task.deadline': 'A plugin did not return in time; its task host was killed.',
  'command.input': 'A file that a command reads or writes cannot be opened or understood.',
  'command.timeout': 'What a command waits for did not come in time, or did not end.',
  'dev.environment': 'Something that the command needs is missing on this machine.',
  'dev.port': 'A port is taken.',
  'dev.start': 'A process did not start.',
} as const

export type ErrorCode = keyof typeof ERROR_CATALOGUE

declare const OWN: unique symbol
/** The code of an error that a plugin knows and the catalogue does not, e.g. `postgres.unavailable`. */
export type PluginErrorCode = `${string}.${string}` & { readonly [OWN]: true }

const WORD = /^[a-z][a-z0-9-]*$/

/**
 * Makes a code of a plugin's own: `errorCode('postgres', 'unavailable')` is `postgres.unavailable`. Both words are
 * lower case letters, digits and dashes.
 * @throws TypeError where a word is none, or the catalogue has codes that begin so
 */
export function errorCode(plugin: string, word: string): PluginErrorCode {
  if (!WORD.test(plugin) || !WORD.test(word))
    throw new TypeError(
      `"${plugin}.${word}" is not an error code: use lower case letters, digits and dashes.`,
    )
  if (Object.keys(ERROR_CATALOGUE).some((code) => code.startsWith(`${plugin}.`)))
    throw new TypeError(`Codes that begin with "${plugin}." are Sluice's own. Name the plugin.`)
  return `${plugin}.${word}` as PluginErrorCode
}

/** Where in a record's journey an error happened; Kafka Connect's names (they appear in dead letter headers). */
export type Stage =
  | 'KAFKA_CONSUME'
  | 'KEY_CONVERTER'
  | 'VALUE_CONVERTER'
  | 'HEADER_CONVERTER'
  | 'TRANSFORMATION'
  | 'TASK_PUT'
  | 'TASK_POLL'
  | 'KAFKA_PRODUCE'

export interface ErrorDetails {
  readonly cause?: unknown
  readonly stage?: Stage
  /** The class or plugin in which it happened, for logs and dead letter headers. */
  readonly plugin?: string
  /** The configuration key to look at, e.g. `transforms.score.model`. */
  readonly configPath?: string
  /** What to do about it, one sentence. */
  readonly suggestion?: string
  readonly retriable?: boolean
  /** What has to come back, and what it says at present: `the schema registry at http://registry:8081: HTTP 500`. */
  readonly waitsFor?: string
}

/** The base of every error that Sluice creates. Its subclass says who is hurt; HTTP codes live in `rest/` alone. */
export class ConnectError extends Error {
  readonly code: ErrorCode | PluginErrorCode
  readonly stage: Stage | undefined
  readonly plugin: string | undefined
  readonly configPath: string | undefined
  readonly suggestion: string | undefined
  readonly retriable: boolean
  readonly waitsFor: string | undefined

  constructor(code: ErrorCode | PluginErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = new.target.name
    this.code = code
    this.stage = details.stage
    this.plugin = details.plugin
    this.configPath = details.configPath
    this.suggestion = details.suggestion
    this.retriable = details.retriable ?? false
    this.waitsFor = details.waitsFor
  }
}

/** One wrong key of a configuration. */
export interface ConfigProblem {
  /** The full key, e.g. `transforms.score.model`. */
  readonly path: string
  readonly message: string
}

/** A configuration is wrong. Carries every problem at once. → 400 */
export class ConfigError extends ConnectError {
  readonly problems: readonly ConfigProblem[]
  constructor(problems: readonly ConfigProblem[], message?: string) {
    super('config.invalid', message ?? problems.map((p) => `${p.path}: ${p.message}`).join('\n'))
    this.problems = problems
  }
}
/** A thing that was named does not exist. → 404 */
export class NotFoundError extends ConnectError {}
/** The request is right but cannot be carried out now. → 409 */
export class ConflictError extends ConnectError {}
/** What a request asks for could not be done. → 500 */
export class OperationError extends ConnectError {}
/** A request cannot be understood. → 400 */
export class RequestError extends ConnectError {}
/** One record is bad: it follows `errors.tolerance`, and may become a dead letter. */
export class DataError extends ConnectError {}
/** A model cannot be loaded or used: its task fails. */
export class ModelError extends ConnectError {}
/** Something outside cannot be reached for now: back off and try again. Always retriable. */
export class UnavailableError extends ConnectError {
  constructor(code: ErrorCode | PluginErrorCode, message: string, details: ErrorDetails = {}) {
    super(code, message, { ...details, retriable: true })
  }
}
/** A newer owner exists: stop, never retry (invariant 4). */
export class FencedError extends ConnectError {}
/** A task cannot go on. */
export class TaskError extends ConnectError {}
/** A command cannot do its work on this machine: one clear line, exit code 1. */
export class CommandError extends ConnectError {}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
