import type { Answer } from './rest-replay.ts'
import {
  comparableInfos,
  comparableKeys,
  errorsOf,
  expectedInfos,
  expectedKeys,
  isKeyList,
  isWhole,
  type WholeInfos,
} from './rest-whole.ts'

/** Where Sluice answers otherwise than Kafka Connect, and why: one entry of rest-deviations.json. */
export interface Deviation {
  readonly reason: string
  /** Ids of rest-script.json. */
  readonly steps: readonly string[]
  readonly status?: number
  readonly type?: string
  readonly location?: null
  readonly body?: Body
  /** The error's message is Sluice's own, any text but an empty one. */
  readonly ownMessage?: boolean
  /** Of `validate`: only the errors are compared, as Kafka Connect shows fewer keys, or none. */
  readonly onlyErrors?: boolean
  /** Of `validate`: the number of errors, the errors of single keys, and whole values. */
  readonly errorCount?: number
  readonly errors?: Readonly<Record<string, readonly string[]>>
  readonly values?: Readonly<Record<string, ConfigValue>>
}

interface ConfigValue {
  readonly value?: string | null
  readonly errors?: readonly string[]
}

interface Body {
  readonly error_code?: number
  readonly message?: string
  readonly error_count?: number
  readonly groups?: readonly string[]
  readonly values?: Readonly<Record<string, ConfigValue>>
}

/** What Sluice has to answer, and what it answers, both without what may differ. */
export function compared(
  java: Answer,
  ours: Answer,
  deviation: Deviation | undefined,
): { expected: Answer; actual: Answer } {
  const { status, type, location } = { ...java, ...deviation }
  const head = { id: java.id, status, type, location }
  if (deviation?.onlyErrors === true && isWhole(ours.body)) {
    const { errorCount: count, errors } = deviation
    const body = { error_count: count ?? (java.body as WholeInfos).error_count, errors }
    return { expected: { ...head, body }, actual: { ...ours, body: errorsOf(ours.body) } }
  }
  if (isWhole(java.body) && isWhole(ours.body)) {
    const expected = { ...head, body: expectedInfos(java.body, deviation) }
    return { expected, actual: { ...ours, body: comparableInfos(ours.body, java.body) } }
  }
  if (isKeyList(java.body) && isKeyList(ours.body)) {
    const expected = { ...head, body: expectedKeys(java.body) }
    return { expected, actual: { ...ours, body: comparableKeys(ours.body, java.body) } }
  }
  return { expected: expectedAnswer(java, deviation), actual: comparableAnswer(ours, deviation) }
}

/** What Sluice has to answer: what Kafka Connect answered, but for the deviation. */
function expectedAnswer(java: Answer, deviation: Deviation | undefined): Answer {
  const { status, type, location } = { ...java, ...deviation }
  const body = comparableBody(
    expectedBody((deviation?.body ?? java.body) as Body | undefined, status, deviation),
  )
  return { id: java.id, status, type, location, ...(body === undefined ? {} : { body }) }
}

function comparableAnswer(answer: Answer, deviation: Deviation | undefined): Answer {
  const body = answer.body as Body | undefined
  const said = body?.message !== undefined && body.message !== ''
  const worded = deviation?.ownMessage === true && said ? { ...body, message: 'own words' } : answer.body
  return worded === undefined ? answer : { ...answer, body: comparableBody(worded) }
}

function expectedBody(body: Body | undefined, status: number, deviation: Deviation | undefined): unknown {
  if (deviation === undefined || body === undefined) return body
  const { ownMessage, errorCount, errors = {}, values } = deviation
  const message = ownMessage === true ? { error_code: status, message: 'own words' } : {}
  const count = errorCount === undefined ? {} : { error_count: errorCount }
  const changed = Object.entries(errors).map(([key, found]): [string, ConfigValue] => [
    key,
    { value: body.values?.[key]?.value ?? null, errors: found },
  ])
  const merged = { ...body.values, ...Object.fromEntries(changed), ...values }
  return { ...body, ...message, ...count, ...(body.values === undefined ? {} : { values: merged }) }
}

/** Each worker has groups of keys of its own. */
function comparableBody(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || !('groups' in body)) return body
  return Object.fromEntries(Object.entries(body).filter(([key]) => key !== 'groups'))
}
