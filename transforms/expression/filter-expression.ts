import {
  checkExpression,
  type ConfigOf,
  DataError,
  defineConfig,
  eachRecord,
  type Expression,
  expressionOf,
  key,
  type RecordBatch,
  type Schema,
  type SchemaCheck,
  type Transform,
  type TransformPlugin,
} from 'sluice'
import { filterExamples } from './examples.ts'

function checkCondition(text: string): string | undefined {
  const problem = checkExpression(text)
  if (problem !== undefined) return problem
  const { kind } = expressionOf(text)
  return notACondition(kind)
}

function notACondition(kind: Expression['kind']): string | undefined {
  if (kind === 'bool' || kind === 'dyn') return undefined
  return `A condition is true or false, and this gives ${kind}. Compare it with something`
}

const oneOf =
  (...allowed: readonly string[]) =>
  (value: string) =>
    allowed.includes(value) ? undefined : `String must be one of: ${allowed.join(', ')}`

const config = defineConfig({
  condition: key.string({
    doc: 'An expression that is true or false of a record, in CEL: `value.Distance > 500 && value.UniqueCarrier == "WN"`. It sees value, key, headers, topic, partition, offset and timestamp: [expressions](../expressions.md).',
    importance: 'HIGH',
    check: checkCondition,
  }),
  'filter.type': key.string({
    doc: 'include keeps the records for which the condition is true and drops the others; exclude drops those for which it is true.',
    importance: 'HIGH',
    default: 'include',
    recommended: ['include', 'exclude'],
    check: oneOf('include', 'exclude'),
  }),
  'null.handling.mode': key.string({
    doc: 'What happens to tombstones, records without a value: keep and drop do not ask the condition, evaluate does.',
    importance: 'MEDIUM',
    default: 'keep',
    recommended: ['keep', 'drop', 'evaluate'],
    check: oneOf('keep', 'drop', 'evaluate'),
  }),
})

class FilterRecords implements Transform {
  readonly adds = []
  readonly #condition: Expression
  readonly #keeps: boolean
  readonly #tombstones: string

  constructor(values: ConfigOf<typeof config.keys>) {
    this.#condition = expressionOf(values.condition)
    this.#keeps = values['filter.type'] === 'include'
    this.#tombstones = values['null.handling.mode']
  }

  apply(batch: RecordBatch): RecordBatch {
    const evaluate = this.#condition.over(batch)
    eachRecord(batch, (row) => {
      if (!this.#isKept(batch, row, evaluate)) batch.drop(row)
    })
    return batch
  }

  #isKept(batch: RecordBatch, row: number, evaluate: (row: number) => unknown): boolean {
    if (this.#tombstones !== 'evaluate' && batch.isNull('value', row)) return this.#tombstones === 'keep'
    const result = evaluate(row)
    if (typeof result === 'boolean') return result === this.#keeps
    const what = result === null ? 'null' : `a ${typeof result}`
    throw new DataError(
      'record.value',
      `The condition gives ${what} for this record, and must be true or false.`,
    )
  }

  checkSchema(schema: Schema | null): SchemaCheck {
    const checked = this.#condition.check(schema)
    const message = 'problem' in checked ? checked.problem : notACondition(checked.kind)
    return { problems: message === undefined ? [] : [{ path: 'condition', message }] }
  }
}

export const filterExpression: TransformPlugin<typeof config.keys> = {
  kind: 'transform',
  level: 'record',
  name: 'FilterExpression',
  version: '0.1.0',
  summary: 'Keeps or drops records by an expression.',
  config,
  examples: filterExamples,
  open: (values) => new FilterRecords(values),
}
