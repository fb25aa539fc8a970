import type { HeldOutFlight } from './quickstart-flights.ts'
import type { Score } from './quickstart-topics.ts'
import type { Addresses } from './stack.ts'

const TABLE_ROWS = 12

export interface ScoredFlight extends Score {
  readonly flight: HeldOutFlight
}

/** The last line of `npm run quickstart -- --json`. */
export interface Summary extends Addresses {
  readonly records: number
  /** From the POST of the connector to the last score read back. */
  readonly seconds: number
  /** How many flights got which prediction. */
  readonly labels: Readonly<Record<string, number>>
  readonly accuracy: number
  readonly auc: number
}

export function summarize(scored: readonly ScoredFlight[], seconds: number, addresses: Addresses): Summary {
  const labels: Record<string, number> = {}
  for (const { prediction } of scored) labels[prediction] = (labels[prediction] ?? 0) + 1
  const right = scored.filter(({ prediction, flight }) => (prediction === 'YES') === flight.delayed).length
  const auc = areaUnderCurve(
    scored.map((s) => s.probability),
    scored.map((s) => s.flight.delayed),
  )
  const records = scored.length
  return { records, seconds, labels, accuracy: right / records, auc, ...addresses }
}

/**
 * Area under the ROC curve as the Mann–Whitney statistic: the chance that a positive row has a higher score than a
 * negative one, a tie counting half. NaN when one of the classes has no row.
 */
export function areaUnderCurve(scores: readonly number[], positive: readonly boolean[]): number {
  const order = scores.map((_, i) => i).sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0))
  let rankSum = 0
  for (let start = 0; start < order.length;) {
    let end = start
    while (end < order.length && scores[order[end] ?? 0] === scores[order[start] ?? 0]) end += 1
    const meanRank = (start + 1 + end) / 2
    for (const row of order.slice(start, end)) if (positive[row] === true) rankSum += meanRank
    start = end
  }
  const positives = positive.filter(Boolean).length
  const negatives = positive.length - positives
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives)
}

/** Some flights with what the model said and what happened, evenly spread over all of them. */
export function flightTable(scored: readonly ScoredFlight[]): string {
  const step = Math.max(1, Math.floor(scored.length / TABLE_ROWS))
  const shown = scored.filter((_, i) => i % step === 0).slice(0, TABLE_ROWS)
  return alignColumns([
    ['flight', 'date', 'departs', 'from', 'to', 'prediction', 'p(delay)', 'really', ''],
    ...shown.map(tableRow),
  ])
}

function tableRow({ flight, prediction, probability }: ScoredFlight): string[] {
  const { Year, Month, DayofMonth, CRSDepTime, UniqueCarrier, FlightNum, Origin, Dest } = flight.record
  const two = (value: unknown) => String(value).padStart(2, '0')
  const time = String(CRSDepTime).padStart(4, '0')
  return [
    `${UniqueCarrier ?? '?'} ${FlightNum ?? '?'}`,
    `${Year ?? '?'}-${two(Month)}-${two(DayofMonth)}`,
    `${time.slice(0, 2)}:${time.slice(2)}`,
    String(Origin),
    String(Dest),
    prediction === 'YES' ? 'delayed' : 'on time',
    probability.toFixed(3),
    flight.delayed ? 'delayed' : 'on time',
    (prediction === 'YES') === flight.delayed ? '' : 'wrong',
  ]
}

function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  const [head = '', ...body] = lines
  return [head, '-'.repeat(Math.max(...lines.map((line) => line.length))), ...body].join('\n')
}

export function summaryText(summary: Summary): string {
  const counts = Object.entries(summary.labels).map(([label, count]) => `${label} ${count}`)
  const perSecond = Math.round(summary.records / summary.seconds)
  return [
    `${summary.records} flights scored in ${summary.seconds.toFixed(1)} s (${perSecond} records per second from the POST to the last score read, start-up included; npm run bench measures throughput)`,
    `predictions: ${counts.sort().join(', ')}`,
    `accuracy ${(summary.accuracy * 100).toFixed(1)} %, AUC ${summary.auc.toFixed(4)}`,
  ].join('\n')
}
