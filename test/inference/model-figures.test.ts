import { readFileSync } from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { areaUnderCurve } from '../../src/dev/quickstart-summary.ts'
import { SILENT } from '../../src/index.ts'
import { toColumn } from '../../src/inference/probe.ts'
import { ModelStore } from '../../src/inference/store/model-store.ts'
import { heldOutFlights } from '../support/flights.ts'

const MODELS = path.resolve(import.meta.dirname, '../../models')
const store = new ModelStore({ modelsDir: MODELS, allowedDirs: [], log: SILENT })

type Row = Readonly<Record<string, number | string | null>>

function readFigures(model: string): unknown {
  return JSON.parse(readFileSync(path.join(MODELS, model, 'figures.json'), 'utf8'))
}

/** A table as the models' folders have them: a header, then numbers and, last, what is to be found out. */
function readTable(file: string): readonly (readonly string[])[] {
  const bytes = readFileSync(path.join(MODELS, file))
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  const [, ...lines] = text.trimEnd().split('\n')
  return lines.map((line) => line.split(','))
}

async function score(name: string, rows: readonly Row[]) {
  const model = await store.load(name)
  const columns = model.inputs.map((input) =>
    toColumn(
      input,
      rows.map((row) => row[input.name] ?? null),
    ),
  )
  const { prediction, outputs } = await model.score(columns, rows.length)
  const labels =
    prediction.type === 'category'
      ? Array.from(prediction.levels, (level) => model.labels[level] ?? '')
      : undefined
  return { model, labels, outputs: outputs.map(({ values }) => Array.from(values)) }
}

const share = (flags: readonly boolean[]) => flags.filter(Boolean).length / flags.length

function counts(labels: readonly string[]): Readonly<Record<string, number>> {
  const all: Record<string, number> = {}
  for (const label of labels) all[label] = (all[label] ?? 0) + 1
  return all
}

interface FlightFigures {
  readonly rows: number
  readonly auc: number
  readonly accuracy: number
  readonly labels: Readonly<Record<string, number>>
  readonly happened: Readonly<Record<string, number>>
}

interface ShuttleFigures {
  readonly auc: number
  readonly threshold: number
  readonly anomaliesFound: number
  readonly normalFlagged: number
}

describe('the figures of the models, which their own engines found', function () {
  this.timeout(20_000)

  for (const name of ['airline-delay', 'airline-delay-dl']) {
    it(`${name} has its accuracy, AUC and labels on the held-out flights`, async () => {
      const flights = heldOutFlights()
      const happened = flights.map((each) => each.happened)
      const rows = flights.map(({ flight }) => flight)
      const { labels = [], outputs, model } = await score(name, rows)
      const figures = readFigures(name) as FlightFigures
      expect(labels).to.have.length(figures.rows)
      expect(counts(labels)).to.deep.equal(figures.labels)
      expect(counts(happened)).to.deep.equal(figures.happened)
      expect(share(labels.map((label, i) => label === happened[i]))).to.equal(figures.accuracy)
      const late = outputs[model.labels.indexOf('YES')] ?? []
      const auc = areaUnderCurve(
        late,
        happened.map((each) => each === 'YES'),
      )
      expect(auc).to.be.closeTo(figures.auc, 1e-12)
    })
  }

  for (const name of ['iris-dl4j', 'iris-onnx']) {
    it(`${name} is right about as many of the flowers that were held out, every third`, async () => {
      const held = readTable('iris-dl4j/iris.csv').filter((_, i) => i % 3 === 2)
      const columns = ['sepal_length', 'sepal_width', 'petal_length', 'petal_width']
      const rows = held.map((cells) =>
        Object.fromEntries(columns.map((column, k) => [column, Number(cells[k])])),
      )
      const { labels = [] } = await score(name, rows)
      const figures = readFigures(name) as { readonly testRows: number; readonly testRight: number }
      expect(labels).to.have.length(figures.testRows)
      expect(labels.filter((label, i) => label === held[i]?.[4])).to.have.length(figures.testRight)
    })
  }

  it('shuttle-anomaly has nearly the AUC and shares of all its readings on the 7,500 that are here', async () => {
    const readings = readTable('shuttle-anomaly/readings.csv.gz')
    const rows = readings.map((cells) =>
      Object.fromEntries(Array.from({ length: 9 }, (_, k) => [`f${k + 1}`, Number(cells[k])])),
    )
    const unusual = readings.map((cells) => cells[9] === '1')
    const { model, outputs } = await score('shuttle-anomaly', rows)
    const [errors = []] = outputs
    const figures = readFigures('shuttle-anomaly') as ShuttleFigures
    expect(model.threshold).to.equal(figures.threshold)
    expect(areaUnderCurve(errors, unusual)).to.be.closeTo(figures.auc, 1e-3)
    const flagged = (wanted: boolean) =>
      share(errors.filter((_, i) => unusual[i] === wanted).map((error) => error > figures.threshold))
    expect(flagged(true)).to.be.closeTo(figures.anomaliesFound, 5e-3)
    expect(flagged(false)).to.be.closeTo(figures.normalFlagged, 5e-3)
  })
})
