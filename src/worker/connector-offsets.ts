import type { RawConfig } from '../api/config.ts'
import { RequestError } from '../api/errors.ts'
import type { SinkConnector, SourceConnector, SourceMap, SourceOffset } from '../api/plugins.ts'
import { connectorOf } from '../runtime/plugins/configured-plugins.ts'
import { type GroupAdmin, SinkOffsets } from './sink-offsets.ts'
import { SourcePlaces } from './source-places.ts'
import type { StoredConnector } from './stores/config-state.ts'
import type { OffsetPlaces } from './stores/offset-places.ts'

export interface ConnectorOffsetsOptions {
  readonly places: OffsetPlaces
  readonly groups: GroupAdmin
  /** @throws NotFoundError */
  readonly stored: (name: string) => StoredConnector
  /** Puts the values of config providers in. @throws ConfigError */
  readonly resolve: (config: RawConfig) => Promise<RawConfig>
}

const DONE = (what: 'altered' | 'reset'): string =>
  `The offsets for this connector have been ${what} successfully`
/** Kafka Connect's words where the plugin does not know of the change. */
const UNCONFIRMED = (what: 'altered' | 'reset'): string =>
  `The Connect framework-managed offsets for this connector have been ${what} successfully. However, if this connector ` +
  `manages offsets externally, they will need to be manually ${what} in the system that the connector uses.`

export { sourceMapProblem } from '../runtime/source/offset-format.ts'

/** An offset as a request gives it. */
export interface GivenOffset {
  /** Null where it is missing. */
  readonly partition: SourceMap | null
  readonly offset: SourceMap | null
}

interface Changeable {
  readonly name: string
  readonly plugin: SinkConnector | SourceConnector
  /** With the values of config providers in it. */
  readonly config: RawConfig
}

/** The offsets of connectors as REST shows and changes them. */
export class ConnectorOffsets {
  readonly #options: ConnectorOffsetsOptions
  readonly #sinks: SinkOffsets
  readonly #sources: SourcePlaces

  constructor(options: ConnectorOffsetsOptions) {
    this.#options = options
    this.#sinks = new SinkOffsets(options.groups)
    this.#sources = new SourcePlaces(options.places)
  }

  async list(name: string): Promise<readonly SourceOffset[]> {
    const { plugin, config } = await this.#resolved(name)
    return plugin.kind === 'sink' ? this.#sinks.list(config) : this.#sources.list(name, config)
  }

  /** @throws RequestError where the connector is not stopped, or its plugin refuses an offset */
  async alter(name: string, given: readonly GivenOffset[]): Promise<string> {
    const { plugin, config } = await this.#stopped(name)
    const offsets = given.map((each) => withPartition(each, plugin.kind))
    if (plugin.kind === 'sink') await this.#sinks.alter({ name, plugin, config }, offsets)
    else await this.#alterSource({ name, plugin, config }, offsets)
    return plugin.checkOffset === undefined ? UNCONFIRMED('altered') : DONE('altered')
  }

  /** Removes all offsets of a connector, so that it begins anew. */
  async reset(name: string): Promise<string> {
    const { plugin, config } = await this.#stopped(name)
    if (plugin.kind === 'sink') await this.#sinks.reset({ name, plugin, config })
    else await this.#sources.reset(name, config)
    return plugin.checkOffset === undefined ? UNCONFIRMED('reset') : DONE('reset')
  }

  close(): Promise<void> {
    return this.#sources.close()
  }

  async #alterSource(
    { name, plugin, config }: Changeable & { readonly plugin: SourceConnector },
    offsets: readonly SourceOffset[],
  ): Promise<void> {
    for (const offset of offsets) {
      const problem = plugin.checkOffset?.(offset)
      if (problem !== undefined) throw new RequestError('request.invalid', `Connector ${name}: ${problem}`)
    }
    await this.#sources.write(name, config, offsets)
  }

  #stopped(name: string): Promise<Changeable> {
    const { target, tasks } = this.#options.stored(name)
    if (target === 'STOPPED' && tasks.length === 0) return this.#resolved(name)
    throw new RequestError(
      'request.invalid',
      `Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the specified connector by issuing a 'PUT' request to the '/connectors/${name}/stop' endpoint`,
    )
  }

  async #resolved(name: string): Promise<Changeable> {
    const { config } = this.#options.stored(name)
    const plugin = connectorOf(config)
    return { name, plugin, config: await this.#options.resolve(config) }
  }
}

function withPartition({ partition, offset }: GivenOffset, kind: 'sink' | 'source'): SourceOffset {
  if (partition !== null) return { partition, offset }
  const whose = kind === 'sink' ? 'sink connector' : 'connector'
  throw new RequestError('request.invalid', `The partition for a ${whose} offset cannot be null or missing`)
}
