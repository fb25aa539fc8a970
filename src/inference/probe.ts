import { type Column, type Float64Column, MISSING, type ModelColumn, UNSEEN } from '../api/batch.ts'
import { ModelError } from '../api/errors.ts'
import type { Model, ModelInput } from '../api/models.ts'

/** What a JSON value of a probe or a cell of a CSV file may be. */
export type Plain = string | number | bigint | boolean | null | undefined

/** One line of `probe.jsonl`: an input, and what the engine that trained the model gives for it. */
interface Probe {
  /** A tensor is a list of all its numbers. */
  readonly input: Readonly<Record<string, Plain | readonly (number | bigint)[]>>
  /** Classification: `label` and a probability per class; regression: `prediction`. */
  readonly output: Readonly<Record<string, Plain>>
  /** Who gave the output, where that is Sluice itself: then it guards against a later change alone. */
  readonly by?: unknown
}

/** As `Probe.by`. */
export const OWN = 'sluice'

/** Turns plain values into a column of a model. Null and undefined are missing. */
export function toColumn(input: ModelInput, values: readonly Plain[]): Column {
  if (input.type === 'numeric') {
    const numbers = values.map((value) => (value === null || value === undefined ? NaN : Number(value)))
    return {
      type: 'float64',
      values: Float64Array.from(numbers),
      present: Uint8Array.from(values, (value) => Number(value !== null && value !== undefined)),
      ...(input.datatype === 'INT64' ? { exact: exactOf(values) } : {}),
    }
  }
  if (input.domain === undefined) {
    return { type: 'string', values: values.map((value) => (value == null ? null : String(value))) }
  }
  const domain = input.domain
  const levels = new Map(domain.map((level, i) => [level, i]))
  const toLevel = (value: Plain) =>
    value === null || value === undefined ? MISSING : (levels.get(String(value)) ?? UNSEEN)
  return { type: 'category', domain, levels: Int32Array.from(values, toLevel) }
}

/** The digits of whole numbers that are bigints; 0 for all else. */
export function exactOf(values: readonly Plain[]): BigInt64Array {
  return BigInt64Array.from(values, (value) => (typeof value === 'bigint' ? value : 0n))
}

/** How a model fares with its probes. */
export interface ProbeReport {
  readonly probes: number
  /** The largest difference to a recorded number, relative where that is above 1; 0 where all are equal. */
  readonly largest: number
  /** Where it is: `name`, line; null where nothing differs. */
  readonly at: { readonly name: string; readonly line: number } | null
  /** The largest difference that is allowed. */
  readonly tolerance: number
  /** How many outputs are Sluice's own, and not those of the engine that trained the model. */
  readonly own: number
}

/**
 * Scores the probes of a model and compares: a wrong or damaged model never serves. Throws `model.probe` at the first
 * difference larger than `tolerance` (relative where the value is above 1), or another label.
 */
export async function runProbes(
  model: Model,
  text: string,
  { file, tolerance }: { file: string; tolerance: number },
): Promise<ProbeReport> {
  const probes = parseProbes(text, file)
  const {
    prediction,
    outputs,
    calibrated = [],
  } = await model.score(probeColumns(model, probes, file), probes.length)
  let largest = 0
  let at: ProbeReport['at'] = null
  probes.forEach(({ output }, row) => {
    const compare = (key: string, { values, exact }: Float64Column) => {
      const value = values[row]!
      const expected = output[key]
      const given = typeof expected === 'bigint' && exact !== undefined ? exact[row]! : value
      if (typeof given === 'bigint' && given !== expected)
        throw differs(file, row, `${key} is ${given} where ${recorded(expected)}`)
      const number = typeof expected === 'number' || typeof expected === 'bigint' ? Number(expected) : NaN
      const difference = Math.abs(value - number) / Math.max(1, Math.abs(number))
      if (!(difference <= tolerance))
        throw differs(file, row, `${key} is ${value} where ${recorded(expected)}`)
      if (difference > largest) [largest, at] = [difference, { name: key, line: row + 1 }]
    }
    model.outputs.forEach((name, k) => compare(name, outputs[k]!))
    // Probes that were made by hand, or before Sluice calibrated, need not have these.
    calibrated.forEach((column, k) => {
      const key = `cal_${model.labels[k]}`
      if (output[key] !== undefined) compare(key, column)
    })
    if (model.task === 'regression' && prediction.type === 'float64') {
      compare('prediction', prediction)
    } else if (prediction.type === 'category') {
      const label = prediction.domain[prediction.levels[row]!]
      if (label !== output['label'])
        throw differs(file, row, `the label is ${label} where ${recorded(output['label'])}`)
    }
  })
  const own = probes.filter(({ by }) => by === OWN).length
  return { probes: probes.length, largest, at, tolerance, own }
}

function recorded(value: Plain): string {
  return value === undefined
    ? 'nothing is recorded under that name'
    : `${typeof value === 'bigint' ? value : JSON.stringify(value)} is recorded`
}

/** The inputs of probes as columns; a tensor is a flat list of numbers. */
function probeColumns(model: Model, probes: readonly Probe[], file: string): ModelColumn[] {
  return model.inputs.map((input): ModelColumn => {
    const values = probes.map((probe) => probe.input[input.name])
    if (input.type !== 'tensor') return toColumn(input, values as readonly Plain[])
    const shape = input.shape ?? []
    const size = shape.reduce((product, each) => product * each, 1)
    values.forEach((value, row) => {
      const length = Array.isArray(value) ? value.length : 0
      if (length !== size)
        throw differs(file, row, `${input.name} has ${length} numbers where the model takes ${size}`)
    })
    const numbers = (values as readonly (readonly (number | bigint)[])[]).flat()
    const exact = input.datatype === 'INT64' ? { exact: exactOf(numbers) } : {}
    return { type: 'tensor', datatype: 'FP64', shape, data: Float64Array.from(numbers, Number), ...exact }
  })
}

function differs(file: string, row: number, what: string): ModelError {
  return new ModelError(
    'model.probe',
    `The model does not give what ${file} records, line ${row + 1}: ${what}. Use the model file and the probes that belong together.`,
  )
}

function parseProbes(text: string, file: string): Probe[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  if (lines.length === 0)
    throw new ModelError('model.probe', `${file} holds no probes: fill it, or remove it.`)
  return lines.map((line, i) => {
    try {
      const probe: unknown = parseExact(line)
      if (isProbe(probe)) return probe
    } catch {
      // Said below: what is wrong with a line is the same whether it is no JSON or other JSON.
    }
    throw new ModelError(
      'model.probe',
      `${file}, line ${i + 1} is not {"input":{…},"output":{…}}. Make the file again.`,
    )
  })
}

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g
const MARK = '\0int64:'

/** JSON whose whole numbers beyond 2^53 are bigints, where JSON.parse would round them. */
function parseExact(line: string): unknown {
  const marked = line.replaceAll(TOKEN, (token) =>
    /^-?\d{16,19}$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"\\u0000int64:${token}"` : token,
  )
  return JSON.parse(marked, (_, value: unknown) =>
    typeof value === 'string' && value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value,
  )
}

function isProbe(value: unknown): value is Probe {
  const isObject = (each: unknown) => typeof each === 'object' && each !== null && !Array.isArray(each)
  return isObject(value) && isObject((value as Probe).input) && isObject((value as Probe).output)
}
