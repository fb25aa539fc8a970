import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin } from 'kafkajs'
import { eventually } from '../../test/support/eventually.ts'
import { treeUsage } from './cpu.ts'
import { type Job, PARTITIONS, say } from './job.ts'

const POLL_MS = 50
const RSS_EVERY = 4
const LOOK_EVERY = 20
/** Without a new record for this long, a run has failed. */
const STALLED_MS = 90_000

/** Resolves when every partition has a leader that serves it. */
export async function createTopic(admin: Admin, topic: string): Promise<void> {
  await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }], waitForLeaders: true })
  await eventually(async () => (await writtenTo(admin, topic)) === 0)
}

/** The sum of a topic's end offsets, as a read_committed reader sees them. */
export async function writtenTo(admin: Admin, topic: string): Promise<number> {
  const offsets = await admin.fetchTopicOffsets(topic)
  return offsets.reduce((total, { high }) => total + Number(high), 0)
}

export interface End {
  /** Milliseconds since 1970. */
  readonly at: number
  /** Of the process tree, since it began. */
  readonly cpuSeconds: number
  readonly peakRssBytes: number
  readonly written: number
}

export interface Watched {
  readonly name: string
  readonly job: Job
  readonly admin: Admin
  /** The root of the engine's process tree. */
  readonly pid: number
  /** Asked about once a second: throws when the engine has failed. */
  readonly look: () => Promise<void>
}

/** Resolves when every record has its output in the target topic. All engines are watched by this, alike. */
export async function untilAllWritten({ name, job, admin, pid, look }: Watched): Promise<End> {
  let peakRssBytes = 0
  let written = 0
  let grewAt = Date.now()
  for (let poll = 0; ; poll++) {
    const now = await writtenTo(admin, job.target)
    if (now >= job.records) {
      const at = Date.now()
      const { cpuSeconds, rssBytes, cpuByProcess } = treeUsage(pid)
      say(`  ${name}: CPU s by process since its start: ${cpuByProcess.map((s) => s.toFixed(2)).join(', ')}`)
      return { at, cpuSeconds, peakRssBytes: Math.max(peakRssBytes, rssBytes), written: now }
    }
    if (now > written) grewAt = Date.now()
    written = now
    if (Date.now() - grewAt > STALLED_MS) {
      throw new Error(`${name}: no new output for ${STALLED_MS / 1000} s, at ${written} of ${job.records}`)
    }
    if (poll % RSS_EVERY === 0) peakRssBytes = Math.max(peakRssBytes, treeUsage(pid).rssBytes)
    if (poll % LOOK_EVERY === 0) {
      await look()
      say(`  ${name}: ${written.toLocaleString('en')} of ${job.records.toLocaleString('en')}`)
    }
    await sleep(POLL_MS)
  }
}
