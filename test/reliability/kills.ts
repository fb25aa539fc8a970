import { setTimeout as sleep } from 'node:timers/promises'
import type { Writing } from './clients.ts'
import { type Figure, type Outcome, type RunOptions, told, underFaults } from './experiment.ts'
import { type Kill, killBroker, killSomething } from './faults.ts'
import { seeded } from '../support/seeded.ts'
import type { Stage, StageOptions } from './stage.ts'

export interface UnderKills {
  readonly outcome: Outcome
  readonly kills: readonly Kill[]
}

/** As `underFaults`: kills something each ten seconds while records are written, in short runs oftener, and the broker in between. */
export async function underKills(
  options: RunOptions & { readonly poisonEvery?: number },
  stage: StageOptions,
  brokerKills: number,
): Promise<UnderKills> {
  const kills: Kill[] = []
  const faults = (open: Stage, writing: Writing) => killAll(open, writing, options, { kills, brokerKills })
  return { outcome: await underFaults(options, stage, faults), kills }
}

async function killAll(
  stage: Stage,
  writing: Writing,
  { records, perSecond, seed, say, mutation }: RunOptions,
  { kills, brokerKills }: { readonly kills: Kill[]; readonly brokerKills: number },
): Promise<void> {
  const random = seeded(seed)
  const every = records / perSecond < 60 ? 3000 : 10_000
  // What outlives its worker finishes its work: in a control it would not show what is broken.
  const victims: readonly Kill['victim'][] | undefined =
    mutation === undefined ? undefined : ['all of a worker']
  let broker = 0
  let next = performance.now() + every
  while (writing.acknowledged() < records) {
    await sleep(100)
    if (broker < brokerKills && writing.acknowledged() * (brokerKills + 1) > records * (broker + 1)) {
      broker++
      await killBroker(stage)
      say(`the broker was killed (${broker}) and is back; ${writing.acknowledged()} acknowledged`)
    }
    if (performance.now() < next) continue
    next = performance.now() + every
    const kill = await killSomething(stage, random, victims)
    kills.push(kill)
    const seconds = (kill.recoveredMs / 1000).toFixed(1)
    const ran = `killed ${kill.victim} with ${kill.tasks} tasks; all ran after ${seconds} s`
    say(`${ran}; ${writing.acknowledged()} acknowledged`)
  }
}

export function killFigures(kills: readonly Kill[]): Figure[] {
  return [
    told('kills', kills.length),
    told('kills of processes with tasks', kills.filter(({ tasks }) => tasks > 0).length),
  ]
}
