import type { RawConfig } from '../api/config.ts'
import { RequestError } from '../api/errors.ts'
import type { SourceConnector, SourceOffset } from '../api/plugins.ts'
import { connectorOf } from '../runtime/plugins/configured-plugins.ts'
import { partitionId } from '../runtime/source/offset-format.ts'
import { OffsetStore } from '../runtime/source/offset-store.ts'
import type { StoredConnector } from './stores/config-state.ts'
import type { OffsetPlace, OffsetPlaces } from './stores/offset-places.ts'

export interface ConnectorOffsetsOptions {
  readonly places: OffsetPlaces
  /** @throws NotFoundError */
  readonly stored: (name: string) => StoredConnector
}

const ALTERED = 'The offsets for this connector have been altered successfully'
const RESET = 'The offsets for this connector have been reset successfully'
/** Kafka Connect's words where the plugin does not know of the change. */
const UNCONFIRMED = (what: 'altered' | 'reset'): string =>
  `The Connect framework-managed offsets for this connector have been ${what} successfully. However, if this connector ` +
  `manages offsets externally, they will need to be manually ${what} in the system that the connector uses.`

export { sourceMapProblem } from '../runtime/source/offset-format.ts'

/** The offsets of sources as REST shows and changes them. A place is opened when it is first asked for. */
export class ConnectorOffsets {
  readonly #options: ConnectorOffsetsOptions
  readonly #stores = new Map<string, Promise<OffsetStore>>()

  constructor(options: ConnectorOffsetsOptions) {
    this.#options = options
  }

  async list(name: string): Promise<readonly SourceOffset[]> {
    const { config } = this.#options.stored(name)
    requireSource(name, config)
    const found = new Map<string, SourceOffset>()
    // The connector's own topic goes before that of the workers.
    for (const store of (await this.#storesOf(config)).toReversed()) {
      await store.readToEnd()
      for (const each of store.offsets(name)) found.set(partitionId(each.partition), each)
    }
    return [...found.values()]
  }

  /** @throws RequestError where the connector is not stopped, or its plugin refuses an offset */
  async alter(name: string, offsets: readonly SourceOffset[]): Promise<string> {
    const { plugin, config } = this.#stopped(name)
    if (offsets.length === 0)
      throw refused('Partitions / offsets need to be provided for an alter offsets request')
    for (const offset of offsets) {
      const problem = plugin.checkOffset?.(offset)
      if (problem !== undefined) throw refused(`Connector ${name}: ${problem}`)
    }
    await this.#write(name, config, offsets)
    return plugin.checkOffset === undefined ? UNCONFIRMED('altered') : ALTERED
  }

  /** Removes all offsets of a connector, so that it begins anew. */
  async reset(name: string): Promise<string> {
    const { plugin, config } = this.#stopped(name)
    const offsets = await this.list(name)
    await this.#write(
      name,
      config,
      offsets.map(({ partition }) => ({ partition, offset: null })),
    )
    return plugin.checkOffset === undefined ? UNCONFIRMED('reset') : RESET
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#stores.values())
    await Promise.all(opened.flatMap((store) => (store.status === 'fulfilled' ? [store.value.close()] : [])))
  }

  #stopped(name: string): { readonly plugin: SourceConnector; readonly config: RawConfig } {
    const { config, target, tasks } = this.#options.stored(name)
    const plugin = requireSource(name, config)
    if (target === 'STOPPED' && tasks.length === 0) return { plugin, config }
    throw refused(
      `Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the specified connector by issuing a 'PUT' request to the '/connectors/${name}/stop' endpoint`,
    )
  }

  async #write(name: string, config: RawConfig, offsets: readonly SourceOffset[]): Promise<void> {
    for (const store of await this.#storesOf(config)) await store.write(name, offsets)
  }

  /** As the tasks have them: the connector's own topic first. */
  #storesOf(config: RawConfig): Promise<OffsetStore[]> {
    return Promise.all(this.#options.places(config).map((place) => this.#store(place)))
  }

  #store({ name, open }: OffsetPlace): Promise<OffsetStore> {
    let store = this.#stores.get(name)
    if (store === undefined) {
      store = OffsetStore.open(open, name)
      store.catch(() => this.#stores.delete(name)) // the next request tries again
      this.#stores.set(name, store)
    }
    return store
  }
}

function requireSource(name: string, config: RawConfig): SourceConnector {
  const plugin = connectorOf(config)
  if (plugin.kind === 'source') return plugin
  throw refused(
    `Connector ${name} is a sink. The offsets of sinks are those of their consumer group: use kafka-consumer-groups.sh for them.`,
  )
}

function refused(message: string): RequestError {
  return new RequestError('request.invalid', message)
}
