/**
 * The embedded protocol of Kafka Connect's worker groups (KIP-415, KIP-507): what a worker says of itself when it
 * joins, and what the leader tells it to run. Byte for byte what connect-runtime 4.3.1 writes; see
 * test/conformance/connect-protocol.test.ts.
 *
 *   metadata v0        version:int16 url:string configOffset:int64
 *   metadata v1, v2    … then the last assignment:nullable bytes (an assignment of the same version)
 *                      … then, of a worker of ours that leaves, leaving:int16 = 1, which Java's leader does not read
 *   assignment v0      version:int16 error:int16 leader:string leaderUrl:string configOffset:int64 assigned:[entry]
 *   assignment v1, v2  … then revoked:nullable [entry] delay:int32
 *   entry              connector:string tasks:[int32], where −1 stands for the connector itself
 *
 * Java writes entries in this order: first those of `connectors` (assigned: in the order of a HashSet of their names,
 * which means nothing; revoked: as listed), each beginning with −1, then those that have only tasks; tasks as listed.
 * We write connectors as listed; readers attach no meaning to the order. v2 differs from v1 by its number alone: it
 * says that internal requests are signed.
 */
import { TaskError } from '../../api/errors.ts'
import { GroupReader, GroupWriter } from './group-bytes.ts'

/** Protocol names in the order of preference, with the version of their bytes. */
export const CONNECT_PROTOCOLS = [
  { name: 'sessioned', version: 2 },
  { name: 'compatible', version: 1 },
  { name: 'default', version: 0 },
] as const

export type ConnectProtocolVersion = 0 | 1 | 2

/** The version of a protocol that the coordinator chose; a TaskError where it is not one of Connect's. */
export function connectProtocolVersion(name: string): ConnectProtocolVersion {
  const found = CONNECT_PROTOCOLS.find((protocol) => protocol.name === name)
  if (found !== undefined) return found.version
  throw new TaskError(
    'kafka.protocol',
    `The group speaks '${name}', which is no protocol of Kafka Connect. Give this worker a group.id of its own.`,
  )
}

export interface ConnectorTask {
  readonly connector: string
  readonly task: number
}

export const ASSIGNMENT_OK = 0
/** The leader had not read the configurations up to the newest offset: read to the end of the topic and join again. */
export const CONFIG_MISMATCH = 1

export interface ConnectAssignment {
  readonly error: number
  /** The leader's member id. */
  readonly leader: string
  /** The leader's REST URL. */
  readonly leaderUrl: string
  /** How far the config topic was read for the assignment, in the same way. */
  readonly configOffset: bigint
  /** To run: everything in version 0; what is new in versions 1 and 2. */
  readonly connectors: readonly string[]
  readonly tasks: readonly ConnectorTask[]
  /** To stop, before joining again. Always empty in version 0. */
  readonly revokedConnectors: readonly string[]
  readonly revokedTasks: readonly ConnectorTask[]
  /** After how long to join again, in milliseconds; 0 = not. */
  readonly delayMs: number
}

export interface WorkerState {
  /** The worker's advertised REST URL, with a slash at the end as Java's have. */
  readonly url: string
  /** One past the last record of the config topic that the worker has read; −1 where it read none. */
  readonly configOffset: bigint
  /** What the worker runs; null before its first assignment. Not part of version 0. */
  readonly assignment: ConnectAssignment | null
  /** It has stopped all work and is about to leave the group: ours alone, not part of version 0. */
  readonly leaving?: boolean
}

/** The protocols of a JoinGroup request, in the order of preference. */
export function connectProtocols(state: WorkerState): { name: string; metadata: Buffer }[] {
  return CONNECT_PROTOCOLS.map(({ name, version }) => ({ name, metadata: encodeWorkerState(state, version) }))
}

export function encodeWorkerState(state: WorkerState, version: ConnectProtocolVersion): Buffer {
  const writer = new GroupWriter().int16(version).nullableString(state.url).int64(state.configOffset)
  if (version === 0) return writer.bytes()
  const last = state.assignment === null ? null : encodeConnectAssignment(state.assignment, version)
  writer.nullableBytes(last)
  return (state.leaving === true ? writer.int16(LEAVING) : writer).bytes()
}

/** Reads any version; fields after the last one known are ignored, missing ones at the end have their defaults. */
export function decodeWorkerState(bytes: Buffer): WorkerState {
  const reader = versioned(bytes)
  const url = reader.string()
  const configOffset = reader.int64()
  const last = reader.atEnd ? null : reader.nullableBytes()
  const assignment = last === null ? null : decodeConnectAssignment(last)
  const leaving = !reader.atEnd && reader.int16() === LEAVING
  return { url, configOffset, assignment, ...(leaving ? { leaving } : {}) }
}

export function encodeConnectAssignment(
  assignment: ConnectAssignment,
  version: ConnectProtocolVersion,
): Buffer {
  const writer = new GroupWriter()
    .int16(version)
    .int16(assignment.error)
    .nullableString(assignment.leader)
    .nullableString(assignment.leaderUrl)
    .int64(assignment.configOffset)
  writeEntries(writer, assignment.connectors, assignment.tasks)
  if (version === 0) return writer.bytes()
  writeEntries(writer, assignment.revokedConnectors, assignment.revokedTasks)
  return writer.int32(assignment.delayMs).bytes()
}

export function decodeConnectAssignment(bytes: Buffer): ConnectAssignment {
  const reader = versioned(bytes)
  const head = {
    error: reader.int16(),
    leader: reader.string(),
    leaderUrl: reader.string(),
    configOffset: reader.int64(),
  }
  const assigned = readEntries(reader)
  const revoked = readEntries(reader)
  return {
    ...head,
    ...assigned,
    revokedConnectors: revoked.connectors,
    revokedTasks: revoked.tasks,
    delayMs: reader.atEnd ? 0 : reader.int32(),
  }
}

/** Steps over the version. A newer one than ours is read as ours, as Java does; a negative one is refused. */
function versioned(bytes: Buffer): GroupReader {
  const reader = new GroupReader(bytes)
  const version = reader.int16()
  if (version >= 0) return reader
  throw new TaskError('kafka.protocol', `A worker sent Connect protocol version ${version}, which cannot be.`)
}

function writeEntries(
  writer: GroupWriter,
  connectors: readonly string[],
  tasks: readonly ConnectorTask[],
): void {
  const entries = new Map<string, number[]>(connectors.map((connector) => [connector, [CONNECTOR_ITSELF]]))
  for (const { connector, task } of tasks) {
    const numbers = entries.get(connector)
    if (numbers === undefined) entries.set(connector, [task])
    else numbers.push(task)
  }
  writer.array([...entries], ([connector, numbers]) =>
    writer.nullableString(connector).array(numbers, (number) => writer.int32(number)),
  )
}

const CONNECTOR_ITSELF = -1
const LEAVING = 1

function readEntries(reader: GroupReader): { connectors: string[]; tasks: ConnectorTask[] } {
  const connectors: string[] = []
  const tasks: ConnectorTask[] = []
  const entries = reader.atEnd ? null : reader.nullableArray(() => readEntry(reader))
  for (const { connector, numbers } of entries ?? []) {
    for (const task of numbers) {
      if (task === CONNECTOR_ITSELF) connectors.push(connector)
      else tasks.push({ connector, task })
    }
  }
  return { connectors, tasks }
}

function readEntry(reader: GroupReader): { connector: string; numbers: number[] } {
  return { connector: reader.string(), numbers: reader.array(() => reader.int32()) }
}
