import { ConnectError, FencedError, TaskError, UnavailableError } from '../../api/errors.ts'
import { brokerError } from '../errors.ts'

/**
 * OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_TXN_STATE, INVALID_PRODUCER_ID_MAPPING, UNKNOWN_PRODUCER_ID,
 * TRANSACTION_ABORTABLE: the transaction is lost, but not the task.
 */
const LOST_TRANSACTION: readonly number[] = [45, 48, 49, 59, 120]

/** A broker's error in a transaction; retriable also where another transaction may succeed. */
export function transactionError(
  code: number,
  what: string,
  serverMessage: string | null = null,
): ConnectError {
  const error = brokerError(code, what, serverMessage)
  if (!LOST_TRANSACTION.includes(code)) return error
  return new UnavailableError('kafka.unavailable', error.message)
}

/** Why a transaction can only be aborted, after an error in it. */
export function mustAbort(error: ConnectError): ConnectError {
  if (error instanceof FencedError) return error
  const message = `The transaction can only be aborted: ${error.message}`
  return error.retriable
    ? new UnavailableError(error.code, message, { cause: error })
    : new TaskError(error.code, message, { cause: error })
}

/** Why a producer has to be initialised. */
export function mustInit(reason: string, cause?: unknown): UnavailableError {
  const message = `${reason}: initialise the producer, and read the committed offsets again`
  return new UnavailableError('kafka.unavailable', message, { cause })
}
