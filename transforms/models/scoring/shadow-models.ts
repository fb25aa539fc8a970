import {
  ConfigError,
  ConnectError,
  type Logger,
  messageOf,
  type Model,
  type ModelColumn,
  ModelError,
  type RecordBatch,
  type Scores,
  summarise,
  type TransformContext,
} from 'sluice'
import { weighted } from './model-choice.ts'
import type { FieldSource } from './model-inputs.ts'
import { type LabelRule, labelOf, type Scored, ShadowTally } from './shadow-tally.ts'

export const SHADOW_HEADER = 'sluice.shadow'

/** Under what transforms show the figures of their shadow models. */
const SHOWN = 'shadows'
const LOG_INTERVAL_MS = 60_000

/** A model and where its inputs come from. */
export interface Contender {
  readonly model: Model
  readonly source: FieldSource
}

/** Reads what a model needs, for the rows that are being scored. */
export type ReadColumns = (batch: RecordBatch, contender: Contender) => readonly ModelColumn[]

export interface ShadowOptions {
  /** The key `shadow.header`. */
  readonly addsHeader: boolean
  /** How many outputs a header holds, the largest first; all where it is not given. */
  readonly mostOutputs?: number | undefined
  readonly labelRule: (model: Model) => LabelRule
}

interface Shadow extends Contender {
  tally: ShadowTally | undefined
}

/** Loads the models of the key `shadow`. Throws ConfigError where one cannot be compared with the serving model. */
export async function loadShadows(
  { models }: TransformContext,
  references: readonly string[],
  serving: Model,
): Promise<readonly Model[]> {
  const shadows = await Promise.all(
    references.map((reference) =>
      models.load(reference).catch((error: unknown) => {
        if (!(error instanceof ConnectError)) throw error
        const name = weighted(reference)?.name
        const message =
          error.code === 'model.missing' && name !== undefined
            ? `Shadow models have no weights, for each scores every record: name ${name} alone.`
            : error.message
        throw new ModelError(error.code, message, { cause: error, configPath: 'shadow' })
      }),
    ),
  )
  for (const shadow of shadows) {
    const reason = whyIncomparable(serving, shadow)
    if (reason !== undefined) {
      const message = `The shadow model ${shadow.name} cannot be compared with ${serving.name}: ${reason}.`
      throw new ConfigError([{ path: 'shadow', message }])
    }
  }
  return shadows
}

function whyIncomparable(serving: Model, shadow: Model): string | undefined {
  if (shadow.task !== serving.task) return `it is for ${shadow.task}, not for ${serving.task}`
  if (serving.task !== 'classification') return undefined
  const labels = new Set(shadow.labels)
  const isSame =
    labels.size === new Set(serving.labels).size && serving.labels.every((each) => labels.has(each))
  return isSame ? undefined : `its labels are ${shorten(shadow.labels)}, not ${shorten(serving.labels)}`
}

function shorten(labels: readonly string[]): string {
  return labels.slice(0, 10).join(', ') + (labels.length > 10 ? ', …' : '')
}

/** Models that score beside the serving one. Whatever they do is counted, and hurts no record (invariant 6). */
export class Shadows {
  readonly #shadows: readonly Shadow[]
  readonly #options: ShadowOptions
  readonly #log: Logger
  readonly #show: TransformContext['show']
  #logged = performance.now()

  constructor(contenders: readonly Contender[], context: TransformContext, options: ShadowOptions) {
    this.#shadows = contenders.map((contender) => ({ ...contender, tally: undefined }))
    this.#options = options
    this.#log = context.log
    this.#show = context.show?.bind(context)
  }

  /** What the shadow models do with one batch. Each scores it with one version. */
  begin(batch: RecordBatch, serving: readonly Model[]): ShadowRound[] {
    return this.#shadows.map((shadow) => {
      const model = shadow.model.serving ?? shadow.model
      const last = shadow.tally
      // Figures of different models do not add up, also where a file was replaced under the same version.
      const tally = last?.isOf(model, serving) === true ? last : new ShadowTally(model, serving)
      if (tally !== last) this.#say(shadow)
      shadow.tally = tally
      return new ShadowRound({ model, source: shadow.source }, tally, batch.length, this.#options)
    })
  }

  /** Shows the figures, and adds the headers where they are wanted. */
  finish(batch: RecordBatch, rounds: readonly ShadowRound[], servingMilliseconds: number): RecordBatch {
    if (rounds.length === 0) return batch
    for (const { tally } of rounds) {
      tally.sums.batches++
      tally.sums.servingMilliseconds += servingMilliseconds
    }
    this.#show?.(
      SHOWN,
      rounds.map(({ tally }) => ({ ...tally.sums })),
    )
    if (performance.now() - this.#logged >= LOG_INTERVAL_MS) this.#sayAll()
    if (!this.#options.addsHeader) return batch
    return rounds.reduce(
      (with_, { headers }) => with_.withHeader(SHADOW_HEADER, { type: 'string', values: headers }),
      batch,
    )
  }

  close(): void {
    this.#sayAll()
    for (const shadow of this.#shadows) shadow.tally = undefined
  }

  #sayAll(): void {
    this.#logged = performance.now()
    for (const shadow of this.#shadows) this.#say(shadow)
  }

  #say({ tally }: Shadow): void {
    if (tally !== undefined) this.#log.info('a shadow model was compared', { ...summarise(tally.sums) })
  }
}

/** One shadow model and one batch. */
export class ShadowRound {
  readonly tally: ShadowTally
  /** Per row: what the header says. */
  readonly headers: (string | null)[]
  readonly #contender: Contender
  readonly #options: ShadowOptions

  constructor(contender: Contender, tally: ShadowTally, length: number, options: ShadowOptions) {
    this.#contender = contender
    this.#options = options
    this.tally = tally
    this.headers = options.addsHeader ? new Array<string | null>(length).fill(null) : []
  }

  /** Scores the rows that the serving model has scored. Never throws. */
  async score(served: Scored, read: ReadColumns): Promise<void> {
    const { model } = this.#contender
    try {
      const detached = served.batch.detached()
      const columns = read(detached, this.#contender)
      const started = performance.now()
      const scores = await model.score(columns, served.rows.length)
      this.tally.sums.milliseconds += performance.now() - started
      const taken = this.tally.compare(served, scores, this.#options.labelRule(model), detached)
      if (this.#options.addsHeader) this.#addHeaders(served.rows, scores, taken)
    } catch (error) {
      this.tally.fail(served, messageOf(error))
    }
  }

  #addHeaders(rows: ArrayLike<number>, scores: Scores, taken: Uint8Array): void {
    const { model } = this.#contender
    const { name, version, outputs } = model
    const { labelRule, mostOutputs = outputs.length } = this.#options
    for (let i = 0; i < rows.length; i++) {
      if (taken[i] === 0) continue
      const { prediction } = scores
      const said = prediction.type === 'float64' ? prediction.values[i]! : labelOf(labelRule(model), scores, i)
      const all = outputs.map((output, k): [string, number] => [output, scores.outputs[k]?.values[i] ?? NaN])
      const shown = mostOutputs < all.length ? all.toSorted((a, b) => b[1] - a[1]).slice(0, mostOutputs) : all
      const content = { model: name, version, prediction: said, outputs: Object.fromEntries(shown) }
      this.headers[rows[i]!] = JSON.stringify(content)
    }
  }
}
