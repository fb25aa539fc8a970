import path from 'node:path'
import { ModelStore } from '../../src/inference/store/model-store.ts'
import { type Converter, type Field, type Schema, SILENT } from '../../src/index.ts'
import { TransformChain } from '../../src/runtime/chain/chain.ts'
import { checkSchemas } from '../../src/runtime/chain/check-config.ts'
import type { NamedConverter } from '../../src/runtime/host/task-converters.ts'
import { FLIGHT } from '../../transforms/examples/score-h2o-flights.ts'

/** The models of this repository. */
export const models = new ModelStore({
  modelsDir: path.resolve(import.meta.dirname, '../../models'),
  allowedDirs: [],
  log: SILENT,
})

/** A connector that scores flights. */
export const SCORE = {
  topics: 'flights',
  transforms: 'score',
  'transforms.score.type': 'ScoreH2OGbm$Value',
  'transforms.score.model': 'airline-delay',
}

/** A converter that knows the schemas of some topics. */
function knowing(topics: Readonly<Record<string, Schema>>): NamedConverter {
  const converter: Partial<Converter> = {
    topicSchema: (topic) => Promise.resolve(topics[topic] ?? null),
  }
  return { name: 'fake', converter: converter as Converter }
}

/** The one origin that the worker allows. */
export const IMAGES = 'https://images.example.com'

export type Topics = Readonly<Record<string, Schema>>

/** The problems of a configuration, by what the topics' values and keys are. */
export async function check(config: Readonly<Record<string, string>>, values: Topics, keys: Topics = {}) {
  return (await checked(config, values, keys)).problems
}

/** The problems of a configuration, and what the worker's log says of it. */
export async function checked(config: Readonly<Record<string, string>>, values: Topics, keys: Topics = {}) {
  const images = { dirs: [], origins: [IMAGES], privateAddresses: false }
  const chain = await TransformChain.open(config, models, SILENT, { images })
  const [key, value] = [knowing(keys), knowing(values)]
  const converters = { key, value, target: { key, value } }
  const matching = () => Promise.resolve(Object.keys(values))
  const said: unknown[] = []
  const log = { ...SILENT, warn: (_: string, fields: object = {}) => void said.push(fields) }
  const problems = await checkSchemas({ chain, converters }, config, { matching, log })
  chain.close()
  return { said, problems: problems.map((problem) => `${problem.path}: ${problem.message}`) }
}

/** A flight's schema with other fields. */
export function flights(change: (fields: readonly Field[]) => readonly Field[]): Schema {
  return { ...FLIGHT, fields: change(FLIGHT.fields ?? []) }
}

export const typed = (name: string, schema: Schema) =>
  flights((fields) => fields.map((field) => (field.name === name ? { name, schema } : field)))
export const of = (type: Schema['type'], name?: string): Schema =>
  name === undefined ? { type, optional: false } : { type, optional: false, name }
