import { readdirSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { SILENT } from '../../src/api/log.ts'
import { findJava, run } from '../../src/dev/java.ts'
import { kafkaJars } from '../../src/dev/kafka-jars.ts'
import type { Check } from './check.ts'
import type { Measured } from './job.ts'

export const ENGINES = { jvm: 'JVM peer', sluice: 'Sluice', bytes: 'bytes through' } as const
export type EngineName = keyof typeof ENGINES

export interface Machine {
  readonly date: string
  readonly cores: number
  readonly cpu: string
  readonly node: string
  readonly java: string
  readonly kafka: string
  /** Of the last minute, before anything was started. */
  readonly loadAtStart: number
}

export interface Summary {
  readonly recordsPerSecond: number
  readonly cpuSeconds: number
  readonly recordsPerCpuSecond: number
  readonly peakRssMiB: number
  /** Records per CPU second, against those of the JVM peer. */
  readonly ratio: number
}

export interface Report {
  readonly records: number
  readonly machine: Machine
  /** The median of each figure over the runs. */
  readonly engines: Readonly<Record<EngineName, Summary>>
  readonly runs: Readonly<Record<EngineName, readonly Measured[]>>
  /** One per run; none where checking was turned off. */
  readonly checks: readonly Check[]
}

export async function machine(): Promise<Machine> {
  const java = await run(await findJava(), ['-version'])
  const jars = readdirSync(await kafkaJars(SILENT))
  return {
    date: new Date().toISOString(),
    cores: cpus().length,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    node: process.versions.node,
    java: /version "([^"]+)"/.exec(java?.output ?? '')?.[1] ?? 'unknown',
    kafka: jars.map((jar) => /^kafka_2\.13-(.+)\.jar$/.exec(jar)?.[1]).find(Boolean) ?? 'unknown',
    loadAtStart: loadavg()[0] ?? 0,
  }
}

export function summarise(records: number, runs: Report['runs']): Report['engines'] {
  const rate = (of: readonly Measured[]): number => median(of.map(({ cpuSeconds }) => records / cpuSeconds))
  const summary = (of: readonly Measured[]): Summary => ({
    recordsPerSecond: Math.round(median(of.map(({ seconds }) => records / seconds))),
    cpuSeconds: rounded(median(of.map(({ cpuSeconds }) => cpuSeconds))),
    recordsPerCpuSecond: Math.round(rate(of)),
    peakRssMiB: Math.round(median(of.map(({ peakRssBytes }) => peakRssBytes)) / 2 ** 20),
    ratio: rounded(rate(of) / rate(runs.jvm)),
  })
  return { jvm: summary(runs.jvm), sluice: summary(runs.sluice), bytes: summary(runs.bytes) }
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export function table(engines: Report['engines']): string {
  const header = ['engine', 'records/s', 'CPU s', 'records per CPU s', 'peak RSS', 'against the JVM']
  const rows = Object.entries(engines).map(([name, engine]) => [
    ENGINES[name as EngineName],
    engine.recordsPerSecond.toLocaleString('en'),
    engine.cpuSeconds.toFixed(2),
    engine.recordsPerCpuSecond.toLocaleString('en'),
    `${engine.peakRssMiB} MiB`,
    `${engine.ratio.toFixed(2)} x`,
  ])
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)))
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ')
  return [line(header), ...rows.map(line)].join('\n')
}

export function checkText(check: Check): string {
  if (check.ok) {
    return (
      `outputs agree: all ${check.records.toLocaleString('en')} keys in both, the same labels, largest difference of a ` +
      `probability ${check.largestDifference.toExponential(1)}, every flight unchanged, ${check.duplicates} duplicates`
    )
  }
  return `OUTPUTS DIFFER: ${JSON.stringify(check)}`
}
