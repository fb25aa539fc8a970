/**
 * Simulates clusters of workers: `node --conditions=source test/simulation/simulate.ts [--count 300] [--from 1]`, or one
 * schedule with all that happened in it: `--seed 17`. Ends with a line of figures; a schedule in which an invariant
 * does not hold is named with the command that shows it again.
 */
import { parseArgs } from 'node:util'
import { installVirtualTime } from './virtual-time.ts'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '300' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
  },
})
const wallClock = performance.now.bind(performance)
const began = wallClock()
installVirtualTime()
// Making stack traces that nobody reads would take a good part of the time.
if (values.seed === undefined) Error.stackTraceLimit = 0
const { runSchedule } = await import('./schedule.ts')

const seeds =
  values.seed === undefined
    ? Array.from({ length: Number(values.count) }, (_, n) => Number(values.from) + n)
    : [Number(values.seed)]
let [failed, steps, assignments, longest] = [0, 0, 0, 0]
for (const seed of seeds) {
  const outcome = await runSchedule(seed, values.seed !== undefined)
  steps += outcome.steps
  assignments += outcome.assignments
  longest = Math.max(longest, outcome.restAfter)
  if (values.seed !== undefined) process.stdout.write(`${outcome.trace.join('\n')}\n`)
  if (outcome.problem === undefined) continue
  failed++
  process.stdout.write(
    `seed ${seed}: ${outcome.problem}\n  again: node --conditions=source test/simulation/simulate.ts --seed ${seed}\n`,
  )
}
const seconds = ((wallClock() - began) / 1000).toFixed(1)
process.stdout.write(
  `${seeds.length} schedules, ${failed} failed: ${steps} steps, ${assignments} assignments, at rest after ${longest} ms at most; ${seconds} s\n`,
)
process.exit(failed > 0 ? 1 : 0)
