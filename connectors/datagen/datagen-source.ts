import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  ConfigError,
  type ConfigOf,
  type ConfigProblem,
  defineConfig,
  didYouMean,
  key,
  type SourceConnector,
  type SourceOffset,
} from 'sluice'
import { DatagenTask, isWhole, OFFSET, offsetProblem } from './datagen-task.ts'
import { type Pace, paced, UNLIMITED } from './pace.ts'
import { planRecords, type RecordPlan } from './record-plan.ts'
import { QUICKSTARTS, schemaText } from './schema-text.ts'

const config = defineConfig({
  'kafka.topic': key.string({
    doc: 'The topic that the records are written to.',
    importance: 'HIGH',
    check: (value) => (value === '' ? 'must not be empty' : undefined),
  }),
  quickstart: key.string({
    doc: `A schema that comes with Sluice: ${QUICKSTARTS.join(', ')}. This, \`schema.string\` or \`schema.filename\`.`,
    importance: 'HIGH',
    default: '',
    recommended: QUICKSTARTS,
  }),
  'schema.string': key.string({
    doc: 'The Avro schema of the records, with `arg.properties` that say how values are made: docs/datagen.md.',
    importance: 'HIGH',
    default: '',
  }),
  'schema.filename': key.string({
    doc: 'A file with such a schema, on the machine of the worker.',
    importance: 'HIGH',
    default: '',
  }),
  'schema.keyfield': key.string({
    doc: 'The field that is the key of the record too. Records have no key where it is absent.',
    importance: 'HIGH',
    default: '',
  }),
  rate: key.double({
    doc: 'How many records each task makes a second; 0 as many as it can. `max.interval` says it in another way.',
    importance: 'HIGH',
    optional: true,
    check: (value) => (value >= 0 && Number.isFinite(value) ? undefined : 'must be 0 or more'),
  }),
  'max.interval': key.long({
    doc: 'The most milliseconds between two records of a task: each pause is anything up to it. None where it is 0 or less. Where there is a `rate`, leave it out.',
    importance: 'HIGH',
    default: 500,
  }),
  iterations: key.int({
    doc: 'How many records each task makes in all, restarts included; it then rests. No end where it is 0 or less.',
    importance: 'HIGH',
    default: -1,
  }),
  'random.seed': key.long({
    doc: 'From the same seed each task makes the same records. Where it is absent, tasks take one by chance and keep it with their offset.',
    importance: 'LOW',
    optional: true,
  }),
  'batch.size': key.int({
    doc: 'The most records that one poll makes.',
    importance: 'LOW',
    default: 1000,
    check: (value) => (value >= 1 && value <= 10_000 ? undefined : 'must be from 1 to 10000'),
  }),
})

type Config = ConfigOf<typeof config.keys>
const LARGEST_SEED = 2 ** 47

function readPlan(values: Config): RecordPlan | { readonly problems: readonly ConfigProblem[] } {
  const source = schemaText(values)
  if ('problems' in source) return source
  const plan = planRecords(source.text)
  if ('problems' in plan)
    return { problems: plan.problems.map((message) => ({ path: source.path, message })) }
  const names = plan.schema.fields?.map(({ name }) => name) ?? []
  const field = values['schema.keyfield']
  if (field === '' || names.includes(field)) return plan
  const near = didYouMean(field, names)
  const hint = near === undefined ? `Its fields are ${names.join(', ')}.` : `Did you mean "${near}"?`
  return { problems: [{ path: 'schema.keyfield', message: `The schema has no field "${field}". ${hint}` }] }
}

function paceOf({ rate, 'max.interval': most }: Config): Pace {
  if (rate !== undefined) return rate === 0 ? UNLIMITED : paced(() => 1000 / rate)
  return most <= 0 ? UNLIMITED : paced(() => Math.random() * most)
}

function checkOffset({ partition, offset }: SourceOffset): string | undefined {
  const { [OFFSET.task]: task } = partition
  if (!isWhole(task) || Number(task) < 0)
    return `Partition objects need '${OFFSET.task}', the number of a task, from 0 on`
  return offset === null ? undefined : offsetProblem(offset)
}

export const datagenSource: SourceConnector<typeof config.keys> = {
  kind: 'source',
  name: 'Datagen',
  aliases: ['DatagenConnector', 'io.confluent.kafka.connect.datagen.DatagenConnector'],
  version: '0.1.0',
  summary:
    'Makes records of an Avro schema at a rate, by the annotations of Confluent’s datagen and some more: docs/datagen.md.',
  config,
  validate: (values, raw) => {
    const plan = readPlan(values)
    const problems = 'problems' in plan ? [...plan.problems] : []
    if (values.rate !== undefined && raw['max.interval'] !== undefined)
      problems.push({
        path: 'rate',
        message: 'rate and max.interval contradict each other. Set one of them.',
      })
    return problems
  },
  taskConfigs: (_values, _raw, maxTasks) => Array.from({ length: maxTasks }, () => ({})),
  checkOffset,
  exactlyOnce: () => true,
  open: (values, context) => {
    const plan = readPlan(values)
    if ('problems' in plan) throw new ConfigError(plan.problems)
    const { 'kafka.topic': topic, 'schema.keyfield': field, 'batch.size': batchSize, iterations } = values
    const options = {
      ...{ topic, plan, batchSize, pace: paceOf(values), seed: values['random.seed'] },
      keyField: field === '' ? undefined : field,
      iterations: iterations > 0 ? iterations : Infinity,
      newSeed: () => randomInt(LARGEST_SEED),
      clock: {
        now: () => performance.now(),
        sleep: (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }).catch(() => undefined),
      },
    }
    return new DatagenTask(options, context)
  },
}
