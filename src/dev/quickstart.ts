import { randomUUID } from 'node:crypto'
import { mkdirSync, openSync, writeSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CommandError } from '../api/errors.ts'
import { createLogger } from '../runtime/host/log.ts'
import { Progress } from './progress.ts'
import { FlightDelayConnector } from './quickstart-connector.ts'
import { heldOutFlights } from './quickstart-flights.ts'
import { flightTable, summarize, summaryText, type ScoredFlight, type Summary } from './quickstart-summary.ts'
import { FlightTopics, type Score } from './quickstart-topics.ts'
import { aborted, stopSignal } from './signals.ts'
import { Stack, type Addresses, type StackOptions } from './stack.ts'

const STALLED_MS = 60_000

export interface QuickstartOptions extends Omit<StackOptions, 'logFile'> {
  /** Stop everything after the table. */
  readonly once: boolean
  /** Print the summary as one JSON object on the last line. */
  readonly json: boolean
}

/** `npm run quickstart`: starts everything, runs the flight-delay job on real flights and shows what came out. */
export async function runQuickstart(options: QuickstartOptions): Promise<void> {
  const logPath = path.resolve(options.dataDir, 'quickstart.log')
  mkdirSync(options.dataDir, { recursive: true })
  const logFile = openSync(logPath, 'a')
  const log = createLogger('info', { process: 'supervisor' }, { write: (line) => writeSync(logFile, line) })
  const stack = new Stack({ ...options, logFile }, log)
  const signal = stopSignal(() => stack.kill())
  try {
    await Promise.race([show(stack, options, signal, logPath), aborted(signal)])
    if (!options.once) await aborted(signal)
  } catch (error) {
    if (!signal.aborted) throw error // an interrupted run is no failure
  } finally {
    await stack.stop()
  }
}

async function show(
  stack: Stack,
  options: QuickstartOptions,
  signal: AbortSignal,
  logPath: string,
): Promise<void> {
  const progress = new Progress(process.stdout)
  progress.say(`starting Kafka, a schema registry and a worker; their logs go to ${logPath}`)
  progress.say('(the first time, Maven fetches Apache Kafka: 43 MB)')
  await stack.start(signal)
  const { scored, seconds, statusUrl } = await runJob(stack.addresses, progress)
  const summary = summarize(scored, seconds, stack.addresses)
  progress.say(`\n${flightTable(scored)}\n\n${summaryText(summary)}\n`)
  if (!options.once) progress.say(whereToGo(summary, statusUrl))
  if (options.json) progress.say(JSON.stringify(summary))
}

interface JobResult {
  readonly scored: readonly ScoredFlight[]
  readonly seconds: number
  readonly statusUrl: string
}

async function runJob(addresses: Addresses, progress: Progress): Promise<JobResult> {
  const flights = await heldOutFlights()
  const topics = new FlightTopics(addresses, randomUUID().slice(0, 8))
  const connector = await FlightDelayConnector.load(addresses.rest[0] ?? '', addresses.schemaRegistry)
  const { sourceTopic, targetTopic } = connector
  await connector.remove()
  await topics.create([sourceTopic, targetTopic])
  const from = await topics.ends(targetTopic)
  await topics.produce(sourceTopic, await topics.registerSchema(sourceTopic), flights)
  progress.say(`${flights.length} flights are in the topic ${sourceTopic}; the connector is next`)

  const scores = new Map<number, Score>()
  const collect = (batch: ReadonlyMap<number, Score>) => batch.forEach((score, row) => scores.set(row, score))
  const stopReading = await topics.readScores(targetTopic, from, collect)
  try {
    const startedAt = performance.now()
    await connector.create()
    await untilScored(scores, flights.length, connector, progress)
    const seconds = (performance.now() - startedAt) / 1000
    const scored = flights.flatMap((flight, row) => {
      const score = scores.get(row)
      return score === undefined ? [] : [{ flight, ...score }]
    })
    return { scored, seconds, statusUrl: connector.statusUrl }
  } finally {
    await stopReading()
  }
}

async function untilScored(
  scores: ReadonlyMap<number, Score>,
  wanted: number,
  connector: FlightDelayConnector,
  progress: Progress,
): Promise<void> {
  let seen = 0
  let movedAt = Date.now()
  while (scores.size < wanted) {
    await sleep(100)
    progress.show('scored', scores.size, wanted)
    if (scores.size > seen) {
      seen = scores.size
      movedAt = Date.now()
      continue
    }
    await connector.requireHealthy()
    if (Date.now() - movedAt > STALLED_MS) {
      throw new CommandError(
        'dev.start',
        `no score came for ${STALLED_MS / 1000} s (${seen} of ${wanted} so far)`,
        {
          suggestion: `look at ${connector.statusUrl} and the log`,
        },
      )
    }
  }
  progress.show('scored', scores.size, wanted)
}

function whereToGo(summary: Summary, statusUrl: string): string {
  return [
    'Everything goes on running until Ctrl-C:',
    `  connector        ${statusUrl}`,
    `  REST API         ${summary.rest.join(' ')}  (/connectors, /connector-plugins)`,
    `  schema registry  ${summary.schemaRegistry}/subjects/flight-delays-value/versions/latest`,
    `  Kafka            ${summary.bootstrapServers}  (topics flights, flight-delays)`,
    `  the job itself   config/connectors/flight-delay.json`,
  ].join('\n')
}
