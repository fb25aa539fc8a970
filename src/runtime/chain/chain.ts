import type { RecordBatch, SideName } from '../../api/batch.ts'
import { type ConfigOf, type ConfigKeys, withPrefix, type RawConfig } from '../../api/config.ts'
import { ConfigError, ConnectError, TaskError, messageOf } from '../../api/errors.ts'
import { type AllowedImages, NO_IMAGES } from '../../api/images.ts'
import type { Logger } from '../../api/log.ts'
import type { BeforeReading, Models } from '../../api/models.ts'
import type { Figures, Transform, TransformContext, TransformPlugin } from '../../api/plugins.ts'
import { labellersWithin } from '../../inference/images/image-labeller.ts'
import { Batch } from '../records/batch.ts'
import { type Condition, holdOthers, openCondition } from './conditions.ts'
import { commonKeys } from '../plugins/connector-keys.ts'
import { transformOf } from '../plugins/configured-plugins.ts'
import { rejoin } from './rejoin.ts'
import type { Tell } from '../host/stage-tracker.ts'

/** A transform in its place. */
export interface Link {
  readonly alias: string
  readonly name: string
  readonly side: SideName
  readonly transform: Transform
  /** The plugins of packages that read its models. */
  readonly readers?: ReadonlySet<string>
  /** Absent: the transform sees all records. */
  readonly condition?: Condition | undefined
}

/** Told what a transform shows: its alias, a name, and the figures. */
export type Show = (transform: string, name: string, figures: Figures) => void

/** What a chain's transforms may use besides models and log. */
export interface ChainContext {
  /** Default: NO_IMAGES. */
  readonly images?: AllowedImages
  /** Absent where nobody looks. */
  readonly show?: Show | undefined
  /** Told which transform is opened next. */
  readonly before?: Tell
}

/** The transforms of a connector, in order. A batch goes through all of them; nothing goes back. */
export class TransformChain {
  readonly #links: readonly Link[]

  private constructor(links: readonly Link[]) {
    this.#links = links
  }

  /**
   * Opens the transforms that `transforms` names. A transform that cannot open names its alias in the error.
   */
  static async open(
    raw: RawConfig,
    models: Models,
    log: Logger,
    { images = NO_IMAGES, show, before = () => undefined }: ChainContext = {},
  ): Promise<TransformChain> {
    const links: Link[] = []
    for (const alias of commonKeys.parse(raw).values.transforms) {
      const prefix = `transforms.${alias}.`
      const { plugin, side } = transformOf(raw, alias)
      const config = readConfig(plugin, raw, prefix)
      const opening = `the opening of transforms.${alias}`
      const readers = new Set<string>()
      await before(opening)
      try {
        const context: TransformContext = {
          ...{ side, models: watched(models, readers, (reader) => before(`${opening} (${reader})`)) },
          log: log.child({ transform: alias }),
          openImageLabeller: labellersWithin(images),
          ...(show === undefined ? {} : { show: show.bind(null, alias) }),
        }
        const condition = await openCondition(raw, alias, log)
        const transform = await opened(plugin, config, context).catch((error: unknown) => {
          condition?.predicate.close?.()
          throw error
        })
        links.push({ alias, name: plugin.name, side, transform, condition, readers })
      } catch (error) {
        closeAll(links)
        throw located(error, alias, plugin.name)
      }
    }
    return new TransformChain(links)
  }

  /**
   * Invariant 3: each transform must return a batch of the same length. `before` is told which transform is next, so
   * that the worker can see which one did not return.
   */
  async apply(batch: Batch, before: Tell): Promise<Batch> {
    let current = batch
    for (const link of this.#links) {
      if (current.states.live === 0) break
      await before(stageOf(link))
      current = await applied(link, current)
    }
    return current
  }

  get links(): readonly Link[] {
    return this.#links
  }

  close(): void {
    closeAll(this.#links)
  }
}

/** Models as a transform loads them; it is noted which of them a package reads, whose name a deadline then tells. */
function watched(models: Models, readers: Set<string>, before: BeforeReading): Models {
  return {
    load: async (reference) => {
      const model = await models.load(reference, before)
      if (model.reader !== undefined) readers.add(model.reader)
      return model
    },
  }
}

function stageOf({ alias, readers }: Link): string {
  const names = [...(readers ?? [])]
  return `transforms.${alias}${names.length === 0 ? '' : ` (${names.join(', ')})`}`
}

function closeAll(links: readonly Link[]): void {
  for (const { transform, condition } of links) {
    transform.close?.()
    condition?.predicate.close?.()
  }
}

async function opened(plugin: TransformPlugin, config: ConfigOf<ConfigKeys>, context: TransformContext) {
  return plugin.open(config, context)
}

/** A transform's work on the rows it is for. The others are not live meanwhile, and go on as they were. */
async function applied(link: Link, batch: Batch): Promise<Batch> {
  const { states } = batch
  const who = `Transform ${link.alias} (${link.name})`
  try {
    const others = link.condition === undefined ? [] : holdOthers(link.condition, batch)
    if (states.live === 0) return batch
    states.enter('TRANSFORMATION', link.name)
    const returned: RecordBatch = await link.transform.apply(batch)
    states.release()
    if (returned instanceof Batch && returned.states === states) return rejoin(batch, returned, others)
  } catch (error) {
    if (error instanceof ConnectError) throw error
    throw new TaskError('task.failed', `${who} threw: ${messageOf(error)}`, { cause: error })
  } finally {
    states.release()
  }
  throw new TaskError('task.failed', `${who} did not return the batch it was given, or one derived from it.`)
}

function readConfig(plugin: TransformPlugin, raw: RawConfig, prefix: string): ConfigOf<ConfigKeys> {
  return plugin.config.read(withPrefix(raw, prefix), prefix)
}

/** Says in which transform an error happened: problems get their full keys, other errors the alias. */
function located(error: unknown, alias: string, plugin: string): ConnectError {
  const path = `transforms.${alias}`
  if (error instanceof ConfigError) {
    return new ConfigError(error.problems.map((p) => ({ ...p, path: `${path}.${p.path}` })))
  }
  const known = error instanceof ConnectError ? error : undefined
  // Every transform that uses a model names it in its key `model`.
  const own = known?.configPath ?? (known?.code.startsWith('model.') === true ? 'model' : undefined)
  const configPath = own === undefined ? path : `${path}.${own}`
  const details = { cause: error, plugin, configPath, retriable: known?.retriable ?? false }
  return new TaskError(known?.code ?? 'task.failed', `${configPath}: ${messageOf(error)}`, details)
}
