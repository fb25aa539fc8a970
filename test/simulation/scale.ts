/**
 * What clusters of many workers cost, on the virtual clock: `node --conditions=source test/simulation/scale.ts
 * [--workers 3,10,30,100] [--connectors 2000] [--tasks 5] [--seed 1]`. Ends with one JSON line; docs/scaling.md shows it.
 */
import { parseArgs } from 'node:util'
import { installVirtualTime } from './virtual-time.ts'

const { values } = parseArgs({
  options: {
    workers: { type: 'string', default: '3,10,30,100' },
    connectors: { type: 'string', default: '2000' },
    tasks: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
  },
})
installVirtualTime()
const { LargeCluster } = await import('./large-cluster.ts')

const results = []
for (const workers of values.workers.split(',').map(Number)) {
  const cluster = new LargeCluster({
    ...{ workers, connectors: Number(values.connectors), tasksPerConnector: Number(values.tasks) },
    seed: Number(values.seed),
    say: (what) => process.stderr.write(`${what}\n`),
  })
  const phases = [
    await cluster.startAll(),
    await cluster.idleMinute(),
    await cluster.createOne(),
    await cluster.killOne(),
    await cluster.startOne(),
    await cluster.stopOne(),
  ]
  results.push({ workers, connectors: Number(values.connectors), tasks: cluster.tasks, phases })
}
process.stdout.write(`${JSON.stringify(results)}\n`)
process.exit(0)
