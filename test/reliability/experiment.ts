import { audit, type Counts, differences, type Seen, type Sent } from './audit.ts'
import { followByJava, readByJava, readByLibrdkafka, type Writing } from './clients.ts'
import { DEAD, Stage, type StageOptions, TARGET } from './stage.ts'

export interface RunOptions {
  readonly records: number
  readonly perSecond: number
  readonly seed: number
  readonly say: (line: string) => void
  /** What is broken in the workers, of a negative control. */
  readonly mutation?: string
}

/** A figure of a report, and whether it is what it has to be. */
export interface Figure {
  readonly what: string
  readonly value: number
  /** In words; absent where the figure is only told. */
  readonly target?: string
  readonly holds: boolean
}

export interface Experiment {
  readonly name: string
  readonly title: string
  /** `short` fits into CI, `long` is for reports. */
  readonly short: Pick<RunOptions, 'records' | 'perSecond'>
  readonly long: Pick<RunOptions, 'records' | 'perSecond'>
  run(options: RunOptions): Promise<readonly Figure[]>
}

export const EXACTLY_ONCE = {
  'exactly.once.support': 'required',
  'producer.override.transaction.timeout.ms': '15000',
}

export function told(what: string, value: number): Figure {
  return { what, value: Math.round(value), holds: true }
}

export function atMost(what: string, value: number, most: number, unit = ''): Figure {
  return {
    what,
    value: Math.round(value),
    target: most === 0 ? '0' : `at most ${most}${unit}`,
    holds: value <= most,
  }
}

export function atLeast(what: string, value: number, least: number): Figure {
  return { what, value: Math.round(value), target: `at least ${least}`, holds: value >= least }
}

export interface Outcome {
  readonly sent: ReadonlyMap<number, Sent>
  readonly committed: Seen
  readonly counts: Counts
  /** Of the reader that read while things went wrong. */
  readonly followed: Counts
  /** Records that the two readers at the end do not agree about. */
  readonly disagreements: number
  /** Records of aborted transactions: those that a fault caught in the middle. */
  readonly aborted: number
  readonly dead: Seen
}

/**
 * Lets records flow through a stage while `faults` goes on, and reads what came out when all of it is committed: by Kafka's
 * own consumer, which also reads from the beginning on, and by librdkafka.
 */
export async function underFaults(
  { records, perSecond, say, poisonEvery = 0, mutation }: RunOptions & { readonly poisonEvery?: number },
  options: StageOptions,
  faults: (stage: Stage, writing: Writing) => Promise<void>,
): Promise<Outcome> {
  const stage = await Stage.open({ ...options, ...(mutation === undefined ? {} : { mutation }) })
  try {
    say('a broker, a registry and the workers run')
    const writing = await stage.write({ records, perSecond, poisonEvery })
    const following = await followByJava(stage.bootstrapServers, TARGET)
    await faults(stage, writing)
    const sent = await writing.done
    say(`all ${sent.size} records are acknowledged to the writer`)
    await stage.drained()
    say('all of them are committed by the sink; reading')
    const { bootstrapServers } = stage
    const follower = await following()
    const committed = await readByJava(bootstrapServers, TARGET, 'read_committed')
    const other = await readByLibrdkafka(bootstrapServers, TARGET, 'read_committed')
    const all = await readByJava(bootstrapServers, TARGET, 'read_uncommitted')
    const dead = await readByJava(bootstrapServers, DEAD, 'read_committed')
    const disagreements = differences(committed, other)
    const aborted = all.ids.length - committed.ids.length
    const [counts, followed] = [audit(sent, committed), audit(sent, follower)]
    return { sent, committed, counts, followed, disagreements, aborted, dead }
  } finally {
    await stage.close()
  }
}

/** What every experiment asserts; `duplicates` where the delivery is at least once and they are only told. */
export function figuresOf(outcome: Outcome, delivery: 'exactly once' | 'at least once'): Figure[] {
  const { counts, followed, disagreements } = outcome
  const exactly = delivery === 'exactly once'
  const nothing = (what: string, value: number) => atMost(what, value, 0)
  return [
    told('records', outcome.sent.size),
    nothing('lost', counts.lost),
    exactly ? nothing('duplicated', counts.duplicated) : told('duplicated', counts.duplicated),
    nothing('phantom', counts.phantom),
    nothing('reordered', counts.reordered),
    nothing('corrupt', counts.corrupt),
    nothing('lost to the reader during the faults', followed.lost),
    ...(exactly ? [nothing('duplicated to the reader during the faults', followed.duplicated)] : []),
    nothing('records that the two readers disagree about', disagreements),
    ...(exactly ? [told('records in aborted transactions', outcome.aborted)] : []),
  ]
}
