import type { Machine } from '../report.ts'
import type { Idle, Phase } from './measure.ts'
import type { Latency } from './requests.ts'
import { type Part, PARTS } from './usage.ts'

/** What one idle connector or task adds. */
export interface Cost {
  readonly memoryMiB: number
  readonly connections: number
  /** CPU milliseconds a second. */
  readonly cpuMs: number
}

export interface ScaleReport {
  readonly machine: Machine
  readonly workers: number
  readonly sinks: number
  readonly sources: number
  readonly connectors: number
  readonly tasks: number
  readonly creations: Latency | undefined
  /** Before the first connector, with all of them, and after workers have come and gone. */
  readonly empty: Idle
  readonly idle: Idle
  readonly after: Idle
  readonly cost: Readonly<Record<'connector' | 'task', Readonly<Record<Part, Cost>>>>
  readonly phases: readonly Phase[]
}

/** What is there more than without connectors, by connector and by task. */
export function costs(empty: Idle, idle: Idle, connectors: number, tasks: number): ScaleReport['cost'] {
  const by = (count: number): Record<Part, Cost> => {
    const of = (part: Part): Cost => ({
      memoryMiB: rounded((idle.usage[part].memoryMiB - empty.usage[part].memoryMiB) / count),
      connections: rounded((idle.usage[part].connections - empty.usage[part].connections) / count),
      cpuMs: rounded(((idle.cpuShare[part] - empty.cpuShare[part]) * 1000) / count),
    })
    return { workers: of('workers'), hosts: of('hosts'), broker: of('broker') }
  }
  return { connector: by(connectors), task: by(tasks) }
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}

export function scaleTable(report: ScaleReport): string {
  const { workers, connectors, tasks, idle, cost, phases, creations } = report
  const lines = [
    `${connectors} connectors with ${tasks} tasks on ${workers} workers; load average ${idle.loadAverage.toFixed(1)}`,
    row(['', 'processes', 'MiB', 'connections', 'CPU', 'MiB/connector', 'conn./task', 'CPU ms/s/task']),
    ...PARTS.map((part) => {
      const { processes, memoryMiB, connections } = idle.usage[part]
      return row([
        part,
        processes,
        memoryMiB,
        connections,
        `${(idle.cpuShare[part] * 100).toFixed(0)} %`,
        cost.connector[part].memoryMiB.toFixed(2),
        cost.task[part].connections.toFixed(2),
        cost.task[part].cpuMs.toFixed(2),
      ])
    }),
    creations === undefined ? '' : `creating one: ${latencyText(creations)}`,
    row([
      'phase',
      'all run',
      'all read',
      'rebalances',
      'statuses',
      'hosts started',
      'CPU s w/h/b',
      'p50 ms',
      'p99 ms',
      'read p99',
    ]),
    ...phases.map(
      ({
        what,
        runningSeconds,
        readSeconds,
        rebalances,
        statusRecords,
        hostsStarted,
        cpuSeconds,
        requests,
      }) =>
        row([
          what,
          `${runningSeconds} s`,
          `${readSeconds} s`,
          rebalances,
          statusRecords,
          hostsStarted,
          PARTS.map((part) => cpuSeconds[part].toFixed(0)).join('/'),
          requests['all']?.p50 ?? '',
          requests['all']?.p99 ?? '',
          requests['read']?.p99 ?? '',
        ]),
    ),
  ]
  return lines.join('\n')
}

const FIRST_WIDTH = 34
const WIDTH = 14

function row([first = '', ...cells]: readonly (string | number)[]): string {
  return String(first).padEnd(FIRST_WIDTH) + cells.map((cell) => String(cell).padStart(WIDTH)).join('')
}

function latencyText({ requests, p50, p99, longest }: Latency): string {
  return `${requests} requests, p50 ${p50} ms, p99 ${p99} ms, longest ${longest} ms`
}
