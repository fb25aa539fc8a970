import { ConfigError, type Column, type Logger, MISSING, type Model, type ModelInput } from 'sluice'
import { isScored, shorten } from './model-fields.ts'
import type { FieldSource } from './model-inputs.ts'

export const NOTHING: ReadonlySet<string> = new Set()

export const HOW_TO_FILL =
  'Send records that have it, or say what stands in its place: fill in preprocess.columns of the model’s manifest.'

/**
 * The columns that models cannot do without: by a trial row for each that lacks it alone. Says them in the log. Nothing is known
 * of a model that takes a tensor, or has no score for a whole row.
 */
export async function neededColumns(models: readonly Model[], log: Logger): Promise<ReadonlySet<string>> {
  const needed = new Set<string>()
  for (const model of models) for (const name of await neededBy(model)) needed.add(name)
  if (needed.size > 0)
    log.warn('records that lack some fields will fail, whatever missing.fields says', {
      model: models.map(({ name }) => name).join(', '),
      columns: shorten([...needed]),
      reason: `the model has nothing in the place of a missing value there. ${HOW_TO_FILL}`,
    })
  return needed
}

async function neededBy(model: Model): Promise<readonly string[]> {
  const { inputs } = model
  if (inputs.some(({ type }) => type === 'tensor')) return []
  try {
    // Row i lacks column i; the last row lacks none.
    const scores = await model.score(
      inputs.map((input, i) => trialColumn(input, i, inputs.length + 1)),
      inputs.length + 1,
    )
    if (!isScored(scores, inputs.length)) return []
    return inputs.filter((_, i) => !isScored(scores, i)).map(({ name }) => name)
  } catch {
    return [] // the records will tell
  }
}

function trialColumn({ type, domain }: ModelInput, missing: number, length: number): Column {
  const rows = Array.from({ length }, (_, row) => row !== missing)
  if (type === 'numeric')
    return {
      type: 'float64',
      values: Float64Array.from(rows, (isThere) => (isThere ? 1 : NaN)),
      present: Uint8Array.from(rows, Number),
    }
  if (domain === undefined) return { type: 'string', values: rows.map((isThere) => (isThere ? '' : null)) }
  return { type: 'category', domain, levels: Int32Array.from(rows, (isThere) => (isThere ? 0 : MISSING)) }
}

/** Where a model's inputs come from if records may lack all but some. Throws ConfigError where they are one field. */
export function letLack(source: FieldSource, needs: ReadonlySet<string>, { name }: Model): FieldSource {
  if (source.kind === 'columns') return { ...source, needs }
  const message = `The model ${name} takes all its numbers from the one field ${source.field}, in whose place there is nothing. Leave missing.fields out.`
  throw new ConfigError([{ path: 'missing.fields', message }])
}
