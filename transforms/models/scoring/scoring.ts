import {
  type CategoryColumn,
  MISSING,
  type Model,
  type ModelColumn,
  type RecordBatch,
  type Scores,
  type SideName,
  type TensorColumn,
  type TransformContext,
} from 'sluice'
import { chooseModels, loadChoice, type ModelChoice, nameOf } from './model-choice.ts'
import { failUnscored } from './model-fields.ts'
import { placeFields, placeShadow, readInputs } from './model-inputs.ts'
import type { ModelConfig } from './model-keys.ts'
import { letLack, neededColumns, NOTHING } from './needed-columns.ts'
import { type Contender, loadShadows, type ReadColumns, type ShadowRound, Shadows } from './shadow-models.ts'
import type { LabelRule } from './shadow-tally.ts'
import { gather, rowsOf, scatter } from './split-scores.ts'

export const MODEL_HEADER = 'sluice.model'

export interface ScoringOptions {
  /** The key `fields`. */
  readonly fields?: readonly string[]
  /** Above this a record is an anomaly, whatever the models say of it themselves. */
  readonly threshold?: number | undefined
  /** How many outputs of a shadow model its header holds. */
  readonly mostOutputs?: number
}

/** The models of a transform: those that share the records, and those that score beside them. */
export interface OpenModels {
  readonly choice: ModelChoice
  /** The first of those that share the records: all of them are alike. */
  readonly model: Model
  readonly shadows: readonly Model[]
  /** Where records may lack fields: the columns that they may not. */
  readonly needs?: ReadonlySet<string>
}

/** Throws ConfigError and ModelError where models are missing, or do not fit one another. */
export async function openModels(
  values: ModelConfig & { readonly 'missing.fields'?: string },
  context: TransformContext,
): Promise<OpenModels> {
  const choice = await loadChoice(context.models, values.model, values['model.seed'])
  const model = choice.models[0] as Model
  const shadows = await loadShadows(context, values.shadow, model)
  if (values['missing.fields'] !== 'null') return { choice, model, shadows }
  return { choice, model, shadows, needs: await neededColumns(choice.models, context.log) }
}

/** How a transform scores with its models: the same for all of them, whatever they make of the scores. */
export class Scoring {
  readonly source: Contender['source']
  readonly #choice: ModelChoice
  readonly #shadows: Shadows
  readonly #side: SideName
  readonly #threshold: number | undefined
  readonly #addsHeader: boolean

  constructor(
    { choice, model, shadows, needs }: OpenModels,
    values: ModelConfig,
    context: TransformContext,
    { fields = [], threshold, mostOutputs }: ScoringOptions = {},
  ) {
    this.#choice = choice
    this.#side = context.side
    this.#threshold = threshold
    this.#addsHeader = values['version.header']
    const source = placeFields(model, fields, shadows)
    this.source = needs === undefined ? source : letLack(source, needs, model)
    const contenders = shadows.map((each) => {
      const own = placeShadow(each, fields, source)
      return {
        model: each,
        source: needs !== undefined && own.kind === 'columns' ? { ...own, needs: NOTHING } : own,
      }
    })
    const labelRule = (each: Model): LabelRule => this.labelRule(each)
    this.#shadows = new Shadows(contenders, context, {
      addsHeader: values['shadow.header'],
      mostOutputs,
      labelRule,
    })
  }

  labelRule(model: Model): LabelRule {
    return { model, threshold: this.#threshold ?? model.threshold }
  }

  /** A batch is scored by one version of each model. */
  begin(batch: RecordBatch): BatchScoring {
    const models = this.#choice.models.map((model) => model.serving ?? model)
    return new BatchScoring({
      batch,
      side: this.#side,
      models,
      names: this.#addsHeader ? models.map(nameOf) : null,
      chosen: chooseModels(batch, this.#choice),
      source: this.source,
      labelRules: models.map((model) => this.labelRule(model)),
      shadows: this.#shadows,
      rounds: this.#shadows.begin(batch, models),
    })
  }

  close(): void {
    this.#shadows.close()
  }
}

interface BatchParts {
  readonly batch: RecordBatch
  readonly side: SideName
  /** As they serve now. */
  readonly models: readonly Model[]
  /** What the header says of each; null where there is none. */
  readonly names: readonly string[] | null
  /** Per row: which of them scores it. */
  readonly chosen: Int32Array
  readonly source: Contender['source']
  readonly labelRules: readonly LabelRule[]
  readonly shadows: Shadows
  readonly rounds: readonly ShadowRound[]
}

/** One batch that is being scored. */
export class BatchScoring {
  /** The version that scored each row, missing where it was not scored. */
  readonly versions: CategoryColumn
  readonly #parts: BatchParts
  #milliseconds = 0

  constructor(parts: BatchParts) {
    this.#parts = parts
    const levels = new Int32Array(parts.batch.length).fill(MISSING)
    this.versions = { type: 'category', levels, domain: parts.models.map(({ version }) => version) }
  }

  /** Who scores a row. */
  labelRuleOf(row: number): LabelRule {
    return this.#parts.labelRules[this.#parts.chosen[row]!] as LabelRule
  }

  /** Scores all rows by their fields, in one call per model. A row that cannot be scored fails alone. */
  async scoreFields(): Promise<Scores> {
    const { batch, side } = this.#parts
    const read: ReadColumns = (from, { model, source }) => readInputs(from, side, model, source)
    const scores = await this.#score(read, this.#parts.chosen)
    this.versions.levels.set(this.#parts.chosen)
    failUnscored(batch, side, scores, {
      modelOf: (row) => this.labelRuleOf(row).model,
      columnsOf: (model) => read(batch, { model, source: this.#parts.source }),
    })
    const rows =
      this.#parts.rounds.length === 0 ? [] : Int32Array.from({ length: batch.length }, (_, row) => row)
    await this.#scoreShadows(read, rows, scores)
    return scores
  }

  /** Scores some rows by a tensor that was made of them. */
  async scoreTensor(tensor: TensorColumn, rows: readonly number[]): Promise<Scores> {
    const { chosen } = this.#parts
    const read: ReadColumns = () => [tensor]
    const scores = await this.#score(
      read,
      Int32Array.from(rows, (row) => chosen[row]!),
    )
    for (const row of rows) this.versions.levels[row] = chosen[row]!
    await this.#scoreShadows(read, rows, scores)
    return scores
  }

  /** Adds the headers that are wanted to the batch that is returned. */
  finish(batch: RecordBatch): RecordBatch {
    const { names, side, shadows, rounds } = this.#parts
    if (names === null) return shadows.finish(batch, rounds, this.#milliseconds)
    const levels = this.versions.levels.map((level, row) => (batch.isNull(side, row) ? MISSING : level))
    const named = batch.withHeader(MODEL_HEADER, { type: 'category', levels, domain: names })
    return shadows.finish(named, rounds, this.#milliseconds)
  }

  /** `chosen` says for each row of the columns which model scores it; one scores only its own. */
  async #score(read: ReadColumns, chosen: Int32Array): Promise<Scores> {
    const { batch, models, source } = this.#parts
    const [first] = models as readonly [Model, ...Model[]]
    const columns = read(batch, { model: first, source })
    const started = performance.now()
    const scores =
      models.length === 1
        ? await first.score(columns, chosen.length)
        : await this.#scoreSplit(read, columns, chosen)
    this.#milliseconds += performance.now() - started
    return scores
  }

  async #scoreSplit(read: ReadColumns, first: readonly ModelColumn[], chosen: Int32Array): Promise<Scores> {
    const { batch, models, source } = this.#parts
    const parts = rowsOf(chosen, models.length).map((rows, at) => ({ rows, model: models[at] as Model }))
    const used = parts.some(({ rows }) => rows.length > 0)
      ? parts.filter(({ rows }) => rows.length > 0)
      : parts.slice(0, 1)
    const scoring = used.map(async ({ rows, model }) => {
      const known = hasSameLevels(model, models[0] as Model)
      const columns = known ? first : read(batch, { model, source })
      const own = columns.map((column) => gather(column, rows))
      return { rows, scores: await model.score(own, rows.length) }
    })
    return scatter(await Promise.all(scoring), chosen.length)
  }

  async #scoreShadows(read: ReadColumns, rows: ArrayLike<number>, scores: Scores): Promise<void> {
    const { batch, side, rounds } = this.#parts
    const labelRuleOf = (row: number): LabelRule => this.labelRuleOf(row)
    for (const round of rounds) await round.score({ batch, side, rows, scores, labelRuleOf }, read)
  }
}

/** Whether the columns that were read for one model are those of the other: their categories have the same levels. */
function hasSameLevels(a: Model, b: Model): boolean {
  const isSame = (one?: readonly string[], other?: readonly string[]): boolean =>
    one === other || (one?.length === other?.length && one?.every((each, i) => each === other?.[i]) === true)
  return a === b || a.inputs.every(({ domain }, i) => isSame(domain, b.inputs[i]?.domain))
}
