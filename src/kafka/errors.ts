import { GenericError, MultipleErrors } from '@platformatic/kafka'
import {
  ConnectError,
  type ErrorCode,
  FencedError,
  messageOf,
  TaskError,
  UnavailableError,
} from '../api/errors.ts'

interface BrokerError {
  readonly name: string
  /** May go away by itself: back off and ask again, with fresh metadata. */
  readonly retriable?: true
  /** A newer owner exists (invariant 4). */
  readonly fenced?: true
  /** Concerns a topic and is no fault of the cluster. */
  readonly topic?: true
}

/** The broker errors that we know. What is not here is neither retriable nor fenced. */
const BROKER_ERRORS: Readonly<Record<number, BrokerError>> = {
  [-1]: { name: 'UNKNOWN_SERVER_ERROR' },
  1: { name: 'OFFSET_OUT_OF_RANGE' },
  2: { name: 'CORRUPT_MESSAGE', retriable: true },
  3: { name: 'UNKNOWN_TOPIC_OR_PARTITION', retriable: true, topic: true },
  5: { name: 'LEADER_NOT_AVAILABLE', retriable: true },
  6: { name: 'NOT_LEADER_OR_FOLLOWER', retriable: true },
  7: { name: 'REQUEST_TIMED_OUT', retriable: true },
  8: { name: 'BROKER_NOT_AVAILABLE', retriable: true },
  9: { name: 'REPLICA_NOT_AVAILABLE', retriable: true },
  10: { name: 'MESSAGE_TOO_LARGE', topic: true },
  13: { name: 'NETWORK_EXCEPTION', retriable: true },
  14: { name: 'COORDINATOR_LOAD_IN_PROGRESS', retriable: true },
  15: { name: 'COORDINATOR_NOT_AVAILABLE', retriable: true },
  16: { name: 'NOT_COORDINATOR', retriable: true },
  17: { name: 'INVALID_TOPIC_EXCEPTION', topic: true },
  18: { name: 'RECORD_LIST_TOO_LARGE', topic: true },
  19: { name: 'NOT_ENOUGH_REPLICAS', retriable: true },
  20: { name: 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', retriable: true },
  22: { name: 'ILLEGAL_GENERATION', fenced: true },
  23: { name: 'INCONSISTENT_GROUP_PROTOCOL' },
  24: { name: 'INVALID_GROUP_ID' },
  25: { name: 'UNKNOWN_MEMBER_ID', fenced: true },
  26: { name: 'INVALID_SESSION_TIMEOUT' },
  27: { name: 'REBALANCE_IN_PROGRESS' },
  29: { name: 'TOPIC_AUTHORIZATION_FAILED' },
  30: { name: 'GROUP_AUTHORIZATION_FAILED' },
  31: { name: 'CLUSTER_AUTHORIZATION_FAILED' },
  32: { name: 'INVALID_TIMESTAMP', topic: true },
  35: { name: 'UNSUPPORTED_VERSION' },
  36: { name: 'TOPIC_ALREADY_EXISTS', topic: true },
  37: { name: 'INVALID_PARTITIONS', topic: true },
  38: { name: 'INVALID_REPLICATION_FACTOR', topic: true },
  40: { name: 'INVALID_CONFIG', topic: true },
  41: { name: 'NOT_CONTROLLER', retriable: true },
  42: { name: 'INVALID_REQUEST' },
  44: { name: 'POLICY_VIOLATION', topic: true },
  45: { name: 'OUT_OF_ORDER_SEQUENCE_NUMBER' },
  46: { name: 'DUPLICATE_SEQUENCE_NUMBER' },
  47: { name: 'INVALID_PRODUCER_EPOCH', fenced: true },
  48: { name: 'INVALID_TXN_STATE' },
  49: { name: 'INVALID_PRODUCER_ID_MAPPING' },
  50: { name: 'INVALID_TRANSACTION_TIMEOUT' },
  51: { name: 'CONCURRENT_TRANSACTIONS', retriable: true },
  53: { name: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED' },
  55: { name: 'OPERATION_NOT_ATTEMPTED' },
  56: { name: 'KAFKA_STORAGE_ERROR', retriable: true },
  58: { name: 'SASL_AUTHENTICATION_FAILED' },
  59: { name: 'UNKNOWN_PRODUCER_ID' },
  68: { name: 'NON_EMPTY_GROUP' },
  69: { name: 'GROUP_ID_NOT_FOUND' },
  72: { name: 'LISTENER_NOT_FOUND', retriable: true },
  74: { name: 'FENCED_LEADER_EPOCH', retriable: true },
  75: { name: 'UNKNOWN_LEADER_EPOCH', retriable: true },
  76: { name: 'UNSUPPORTED_COMPRESSION_TYPE' },
  78: { name: 'OFFSET_NOT_AVAILABLE', retriable: true },
  79: { name: 'MEMBER_ID_REQUIRED' },
  82: { name: 'FENCED_INSTANCE_ID', fenced: true },
  86: { name: 'GROUP_SUBSCRIBED_TO_TOPIC' },
  87: { name: 'INVALID_RECORD', topic: true },
  88: { name: 'UNSTABLE_OFFSET_COMMIT', retriable: true },
  89: { name: 'THROTTLING_QUOTA_EXCEEDED', retriable: true },
  90: { name: 'PRODUCER_FENCED', fenced: true },
  100: { name: 'UNKNOWN_TOPIC_ID', retriable: true, topic: true },
  103: { name: 'INCONSISTENT_TOPIC_ID', retriable: true, topic: true },
  120: { name: 'TRANSACTION_ABORTABLE' },
}

/** The name of a broker's error code, e.g. `NOT_LEADER_OR_FOLLOWER (6)`. */
export function errorName(code: number): string {
  return `${BROKER_ERRORS[code]?.name ?? 'an unknown error'} (${code})`
}

/** Whether asking again, with fresh metadata, can help. */
export function isRetriableCode(code: number): boolean {
  return BROKER_ERRORS[code]?.retriable === true
}

/**
 * The error for a code in a broker's answer. `what` is what was being done, e.g. `fetching topic t`. `serverMessage`
 * is the broker's own text, where it sent one.
 */
export function brokerError(code: number, what: string, serverMessage: string | null = null): ConnectError {
  const known = BROKER_ERRORS[code]
  const detail = serverMessage === null || serverMessage === '' ? '' : `: ${serverMessage}`
  const message = `${what}: Kafka answered ${errorName(code)}${detail}`
  if (known?.fenced) return new FencedError('kafka.fenced', `${message}. A newer owner exists.`)
  const errorCode: ErrorCode = known?.topic ? 'kafka.topic' : 'kafka.protocol'
  if (!known?.retriable) return new TaskError(errorCode, message)
  return new UnavailableError(known.topic ? 'kafka.topic' : 'kafka.unavailable', message)
}

/** The broker's error code inside what a request of the library threw, its message, or null where it has none. */
export function responseCode(error: unknown): { code: number; message: string | null } | null {
  if (error instanceof MultipleErrors) {
    for (const inner of error.errors as unknown[]) {
      const found = responseCode(inner)
      if (found !== null) return found
    }
    return null
  }
  if (!(error instanceof GenericError)) return null
  const { apiCode, serverErrorMessage } = error as { apiCode?: unknown; serverErrorMessage?: unknown }
  if (typeof apiCode !== 'number') return null
  return { code: apiCode, message: typeof serverErrorMessage === 'string' ? serverErrorMessage : null }
}

/**
 * What a request of the library threw, as one of ours: a broker's code by the table above; a lost connection or a
 * time-out as UnavailableError; anything else, which we do not know, as TaskError.
 */
export function kafkaError(error: unknown, what: string): ConnectError {
  if (error instanceof ConnectError) return error
  const answer = responseCode(error)
  if (answer !== null) return brokerError(answer.code, what, answer.message)
  const message = `${what}: ${messageOf(error)}`
  if (error instanceof GenericError && error.code === 'PLT_KFK_NETWORK') {
    return new UnavailableError('kafka.unavailable', message, { cause: error })
  }
  return new TaskError('kafka.protocol', message, { cause: error })
}
