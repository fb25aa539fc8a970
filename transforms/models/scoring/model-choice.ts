import { ConfigError, type Model, ModelError, type Models, type RecordBatch, type Value } from 'sluice'

/** Models that share the records among them; nearly always one. */
export interface ModelChoice {
  readonly models: readonly Model[]
  /** Shares added up; the last is 1. */
  readonly limits: readonly number[]
  /** Makes the split random instead of by key; empty: by key. */
  readonly seed: string
}

const WEIGHT = /^(\d+(\.\d+)?|\.\d+)$/

/** A model with its weight, `a:0.9`; the name may be a path, which may hold colons too. Null for any other text. */
export function weighted(text: string): { readonly name: string; readonly weight: number } | null {
  const at = text.lastIndexOf(':')
  const name = text.slice(0, Math.max(0, at)).trim()
  const weight = text.slice(at + 1).trim()
  return name !== '' && WEIGHT.test(weight) ? { name, weight: Number(weight) } : null
}

/**
 * Loads what the key `model` names: one model, or several with weights, `a:0.9,b:0.1`. All must fit the first, and go on
 * doing so: a model that serves is replaced only by one that fits it.
 */
export async function loadChoice(models: Models, text: string, seed: string): Promise<ModelChoice> {
  const parts = text.split(',').map(weighted)
  if (parts.some((part) => part === null)) return { models: [await loadOne(models, text)], limits: [1], seed }
  const weights = parts.map((part) => part?.weight ?? 0)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  if (!(total > 0)) throw wrong('One of the models must have a weight above 0.')
  const loaded = await Promise.all(parts.map((part) => models.load(part?.name ?? '')))
  const [first, ...others] = loaded
  for (const other of others) if (first !== undefined) checkFit(first, other)
  let sum = 0
  return { models: loaded, limits: weights.map((weight) => (sum += weight) / total), seed }
}

/** Colons and commas may be part of a path: only where there is no such model are they taken for weights. */
async function loadOne(models: Models, text: string): Promise<Model> {
  try {
    return await models.load(text)
  } catch (error) {
    const isMissing = error instanceof ModelError && error.code === 'model.missing'
    const mistake = isMissing ? mistakeOf(text.split(',')) : undefined
    throw mistake === undefined ? error : wrong(mistake)
  }
}

/** What is wrong with models and weights; undefined where the text looks like one path. */
function mistakeOf(parts: readonly string[]): string | undefined {
  const [first = ''] = parts
  if (parts.length === 1 && /:.*[/\\]|[/\\].*:/.test(first)) return undefined
  if (parts.some((part) => part.trim() === ''))
    return `There is no model before or after one of the commas. ${EXAMPLE}`
  for (const part of parts) {
    if (weighted(part) !== null || !part.includes(':')) continue
    const [name, weight] = [part.slice(0, part.lastIndexOf(':')), part.slice(part.lastIndexOf(':') + 1)]
    return `The weight ${JSON.stringify(weight.trim())} of ${name.trim()} is not a number from 0 up. ${EXAMPLE}`
  }
  if (parts.length === 1) return undefined
  const bare = parts.filter((part) => !part.includes(':')).map((part) => part.trim())
  return `Name a weight for each model: ${bare.join(', ')} ${bare.length === 1 ? 'has' : 'have'} none. ${EXAMPLE}`
}

const EXAMPLE = 'Several models share the records by their weights, e.g. a:0.5,b:0.5.'

function checkFit(first: Model, other: Model): void {
  const shape = ({ format, algorithm, task, outputs, outputTypes, isCalibrated, inputs }: Model): string => {
    const columns = inputs.map((i) => [i.name, i.type, i.shape, i.datatype, i.holds, i.required])
    return JSON.stringify([
      format,
      algorithm,
      task,
      outputs,
      outputTypes ?? [],
      isCalibrated ?? false,
      columns,
    ])
  }
  if (shape(first) === shape(other)) return
  throw wrong(
    `The models ${first.name} and ${other.name} differ in their kind, columns or outputs, so they cannot share records. Name models of one kind that were trained on the same columns.`,
  )
}

/** As headers and reports name a model: `airline-delay$3`. */
export function nameOf({ name, version }: Model): string {
  return `${name}$${version}`
}

function wrong(message: string): ConfigError {
  return new ConfigError([{ path: 'model', message }])
}

/**
 * Which model scores each row. Equal keys go to the same one, on every worker; a record without a key goes by its place
 * in the topic, and with a seed every record does.
 */
export function chooseModels(batch: RecordBatch, { limits, seed }: ModelChoice): Int32Array {
  if (limits.length === 1) return new Int32Array(batch.length)
  return Int32Array.from({ length: batch.length }, (_, row) => {
    if (!batch.isLive(row)) return 0
    const key = seed !== '' || batch.isNull('key', row) ? null : batch.value('key', row)
    const text = key === null ? `${seed}:${batch.sourcePartition}:${batch.sourceOffset(row)}` : textOf(key)
    const point = hash(text)
    const at = limits.findIndex((limit) => point < limit)
    return at < 0 ? limits.length - 1 : at
  })
}

function textOf(key: Value): string {
  if (typeof key === 'string') return key
  return JSON.stringify(key, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
}

/** FNV-1a with MurmurHash3's last steps, from 0 up to 1. */
function hash(text: string): number {
  let h = 0x811c9dc5
  for (const byte of Buffer.from(text)) h = Math.imul(h ^ byte, 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32
}
