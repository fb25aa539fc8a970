import { readFile } from 'node:fs/promises'

/** A record that the broker has acknowledged to the independent writer. */
export interface Sent {
  readonly partition: number
  readonly offset: number
  readonly poison: boolean
}

/** What an independent reader has seen of a topic, a column each. */
export interface Seen {
  readonly partitions: number[]
  readonly offsets: number[]
  /** −1 where the record is none of the writer's. */
  readonly ids: number[]
  /** Whether the checksum fits. */
  readonly sound: boolean[]
  /** `partition:offset` that a dead letter names; `-` of other records. */
  readonly origins: string[]
  /** How many different `__connect.errors.` headers it has. */
  readonly headers: number[]
}

export interface Counts {
  readonly lost: number
  readonly duplicated: number
  /** Records that nobody sent. */
  readonly phantom: number
  /** Records that come, for the first time, behind a later one of their partition. */
  readonly reordered: number
  /** Records whose checksum does not fit. */
  readonly corrupt: number
}

export async function readSent(file: string): Promise<Map<number, Sent>> {
  const sent = new Map<number, Sent>()
  for (const [partition, offset, id, poison] of await fieldsOf(file))
    sent.set(Number(id), {
      partition: Number(partition),
      offset: Number(offset),
      poison: poison === '1',
    })
  return sent
}

export async function readSeen(file: string): Promise<Seen> {
  const seen: Seen = { partitions: [], offsets: [], ids: [], sound: [], origins: [], headers: [] }
  for (const [partition, offset, id, sound, origin = '-', headers] of await fieldsOf(file)) {
    seen.partitions.push(Number(partition))
    seen.offsets.push(Number(offset))
    seen.ids.push(Number(id))
    seen.sound.push(sound === '1')
    seen.origins.push(origin)
    seen.headers.push(Number(headers))
  }
  return seen
}

async function fieldsOf(file: string): Promise<string[][]> {
  const text = await readFile(file, 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' '))
}

/**
 * What came out against what went in, whose acknowledgement is all that counts: never the highest number seen. Ids grow
 * within a partition, and the sink keeps partitions.
 */
export function audit(sent: ReadonlyMap<number, Sent>, seen: Seen): Counts {
  const counts = { lost: 0, duplicated: 0, phantom: 0, reordered: 0, corrupt: 0 }
  const found = new Set<number>()
  const highest = new Map<number, number>()
  for (const [i, id] of seen.ids.entries()) {
    if (seen.sound[i] !== true) counts.corrupt++
    const origin = sent.get(id)
    const partition = seen.partitions[i] ?? -1
    if (origin === undefined || origin.poison || origin.partition !== partition) {
      counts.phantom++
      continue
    }
    if (found.has(id)) {
      counts.duplicated++
      continue
    }
    found.add(id)
    if (id < (highest.get(partition) ?? -1)) counts.reordered++
    else highest.set(partition, id)
  }
  for (const [id, { poison }] of sent) if (!poison && !found.has(id)) counts.lost++
  return counts
}

export interface DeadLetterCounts {
  /** Poison that no dead letter names. */
  readonly missing: number
  readonly duplicated: number
  /** Dead letters that name no poison: a good record, or none. */
  readonly wrong: number
  /** Dead letters with another number of headers. */
  readonly headers: number
}

/** Dead letters against the poison that went in: each record once, with all of the headers. */
export function auditDeadLetters(
  sent: ReadonlyMap<number, Sent>,
  dead: Seen,
  headers: number,
): DeadLetterCounts {
  const poison = new Map<string, number>()
  for (const each of sent.values()) if (each.poison) poison.set(`${each.partition}:${each.offset}`, 0)
  const counts = { missing: 0, duplicated: 0, wrong: 0, headers: 0 }
  for (const [i, origin] of dead.origins.entries()) {
    if (dead.headers[i] !== headers) counts.headers++
    const before = poison.get(origin)
    if (before === undefined) counts.wrong++
    else if (before > 0) counts.duplicated++
    poison.set(origin, (before ?? 0) + 1)
  }
  for (const count of poison.values()) if (count === 0) counts.missing++
  return counts
}

/** How many records two readers do not agree about, by their places. */
export function differences(one: Seen, other: Seen): number {
  const places = (seen: Seen) =>
    new Set(seen.ids.map((id, i) => `${seen.partitions[i] ?? -1}@${seen.offsets[i] ?? -1}=${id}`))
  const [ours, theirs] = [places(one), places(other)]
  const only = (here: ReadonlySet<string>, there: ReadonlySet<string>) =>
    [...here].filter((place) => !there.has(place)).length
  return only(ours, theirs) + only(theirs, ours)
}
