import {
  connectProtocolVersion,
  decodeConnectAssignment,
  decodeWorkerState,
} from '../../kafka/groups/connect-protocol.ts'
import { nameOf } from '../../runtime/host/protocol.ts'

/** Who runs what, as the leader of a group knows it from what it has shared out last. */
export interface Owners {
  /** By connector, and by `connector-task`: the REST URL of the member that has it. */
  readonly urls: ReadonlyMap<string, string>
  /** Of all members. */
  readonly members: readonly string[]
}

export const NO_OWNERS: Owners = { urls: new Map(), members: [] }

const CONNECTOR = 'connector '
const TASK = 'task '

export function ownerOf({ urls }: Owners, connector: string, task?: number): string | undefined {
  return urls.get(task === undefined ? `${CONNECTOR}${connector}` : `${TASK}${nameOf({ connector, task })}`)
}

/** What each member keeps, and what it is given: `shares` are the leader's answer to `members`. */
export function ownersOf(
  protocol: string,
  members: readonly { readonly memberId: string; readonly metadata: Buffer }[],
  shares: ReadonlyMap<string, Buffer>,
): Owners {
  const eager = connectProtocolVersion(protocol) === 0
  const urls = new Map<string, string>()
  const known = members.map(({ memberId, metadata }) => {
    const { url, assignment: kept } = decodeWorkerState(metadata)
    const written = shares.get(memberId)
    const share = written && decodeConnectAssignment(written)
    const gone = new Set([
      ...(share?.revokedConnectors ?? []).map((name) => `${CONNECTOR}${name}`),
      ...(share?.revokedTasks ?? []).map((id) => `${TASK}${nameOf(id)}`),
    ])
    const held = eager ? [share] : [kept, share]
    for (const each of held) {
      for (const name of each?.connectors ?? []) urls.set(`${CONNECTOR}${name}`, url)
      for (const id of each?.tasks ?? []) urls.set(`${TASK}${nameOf(id)}`, url)
    }
    for (const key of gone) if (urls.get(key) === url) urls.delete(key)
    return url
  })
  return { urls, members: known }
}
