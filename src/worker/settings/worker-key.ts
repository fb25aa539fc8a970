/** One setting of a worker: Kafka Connect's name and default, or our own where `ours` is set. */
export interface WorkerKey {
  readonly doc: string
  readonly type: 'text' | 'list' | 'integer'
  /** null: required. */
  readonly default: string | number | null
  readonly min?: number
  readonly max?: number
  readonly oneOf?: readonly string[]
  /** Whether upper and lower case are one in `oneOf`, as in Kafka Connect. */
  readonly anyCase?: boolean
  readonly ours?: boolean
  /** What is wrong with one item of a list. */
  readonly check?: (item: string) => string | undefined
}

export const text = (doc: string, fallback: string | null, more: Partial<WorkerKey> = {}): WorkerKey => ({
  ...more,
  doc,
  type: 'text',
  default: fallback,
})
export const list = (doc: string, fallback: string | null, more: Partial<WorkerKey> = {}): WorkerKey => ({
  ...more,
  doc,
  type: 'list',
  default: fallback,
})
export const integer = (doc: string, fallback: number, more: Partial<WorkerKey> = {}): WorkerKey => ({
  min: 0,
  max: 2 ** 31 - 1,
  ...more,
  doc,
  type: 'integer',
  default: fallback,
})
