import { expect } from 'chai'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'mocha'
import { ModelError, SILENT } from '../../src/index.ts'
import { scoreFile } from '../../src/cli/score-csv.ts'
import { runProbes } from '../../src/inference/probe.ts'
import { readMojo } from '../../src/inference/readers/h2o/h2o-mojo.ts'
import { openZip } from '../../src/inference/readers/zip.ts'
import { calibrate } from '../../src/inference/scores/calibration.ts'
import { whyIncompatible } from '../../src/inference/store/live-model.ts'
import { ModelStore } from '../../src/inference/store/model-store.ts'
import { FIXTURES, readTable } from '../support/model-fixtures.ts'
import { zipOf } from '../support/zip-writer.ts'

const ISOTONIC = {
  method: 'isotonic',
  least: 0.2,
  most: 0.8,
  x: Float64Array.of(0.1, 0.25, 0.25, 0.5, 0.9),
  y: Float64Array.of(0, 0.125, 0.25, 0.5, 1),
} as const

const folder = mkdtempSync(path.join(tmpdir(), 'sluice-calibration-'))
after(() => rmSync(folder, { recursive: true }))
const store = new ModelStore({ modelsDir: FIXTURES, allowedDirs: [FIXTURES, folder], log: SILENT })
const zipFile = (name: string) => readFileSync(path.join(FIXTURES, name, 'model.zip'))

/** A calibrated GBM with other entries. */
function changed(name: string, change: (entry: string, content: Buffer) => Buffer | null): Buffer {
  const zip = openZip(zipFile(name))
  const trees = Array.from({ length: 5 }, (_, i) => `trees/t00_00${i}.bin`)
  const names = [
    'model.ini',
    'domains/d000.txt',
    'domains/d001.txt',
    'calib/thresholds_x',
    'calib/thresholds_y',
  ]
  const entries = [...names, ...trees].filter((entry) => zip.has(entry))
  return zipOf(
    entries.flatMap((entry) => {
      const content = change(entry, zip.read(entry))
      return content === null ? [] : [{ name: entry, content }]
    }),
  )
}

function refusal(name: string, change: Parameters<typeof changed>[1]): string {
  try {
    readMojo(changed(name, change))
  } catch (error) {
    if (error instanceof ModelError) return `${error.code}: ${error.message}`
    throw error
  }
  return 'it was read'
}

describe('calibrated probabilities', () => {
  it('lie on a line between thresholds, and are cut off at the ends', () => {
    const p = [0, 0.175, 0.3, 0.5, 0.7, 0.8, 1, NaN]
    const [no, yes] = calibrate(ISOTONIC, [Float64Array.from(p, (each) => 1 - each), Float64Array.from(p)])
    const wanted = [0.2 / 1.5 - 0.05, 0.2 / 1.5 - 0.05, 0.3, 0.5, 0.75, 0.875, 0.875, NaN]
    yes!.forEach((each, i) => {
      if (Number.isNaN(wanted[i])) expect(each).to.be.NaN
      else expect(each).to.be.closeTo(wanted[i]!, 1e-15)
      expect(no![i]).to.deep.equal(1 - each)
    })
  })

  it('make their step at a threshold although the probability is off by its last bits', () => {
    const near = Float64Array.of(0.25, 0.25 * (1 + Number.EPSILON), 0.25 * (1 - Number.EPSILON))
    const [, at] = calibrate(ISOTONIC, [near, near])
    expect(new Set(at).size).to.equal(1)
    const beside = Float64Array.of(0.25 * (1 - 1e-12), 0.25 * (1 + 1e-12))
    const [, steps] = calibrate(ISOTONIC, [beside, beside])
    expect(steps![0]).to.be.closeTo(0.125, 1e-11)
    expect(steps![1]).to.be.closeTo(0.25, 1e-11)
  })

  it('are said by `models inspect`, and stand in CSV files and probes', async () => {
    const name = 'calibrated-gbm-isotonic'
    const ready = await store.open(`${name}/model.zip`)
    expect(ready.loaded.facts['calibration']).to.equal('isotonic, beside the probabilities')
    const input = path.join(folder, 'in.csv')
    const output = path.join(folder, 'out.csv')
    const { header, rows } = readTable(path.join(FIXTURES, name, 'input.csv.gz'))
    writeFileSync(input, [header, rows[0]!].map((cells) => cells.join(',')).join('\n'))
    await scoreFile(ready, { input, output, warn: () => undefined })
    const [names, cells] = readFileSync(output, 'utf8').split('\n')
    expect(names).to.equal('predict,NO,YES,cal_NO,cal_YES')
    const [, , , no, yes] = cells!.split(',')
    expect(Number(no) + Number(yes)).to.equal(1)
    const [, p = '', q = ''] = cells!.split(',')
    const inputs = Object.fromEntries(
      header.map((column, i) => [column, column === 'kind' ? rows[0]![i] : Number(rows[0]![i])]),
    )
    const probe = (calibrated: object) => {
      const recorded = { label: 'YES', NO: Number(p), YES: Number(q), ...calibrated }
      return runProbes(ready.model, JSON.stringify({ input: inputs, output: recorded }), {
        file: 'p',
        tolerance: 1e-12,
      })
    }
    expect((await probe({})).probes).to.equal(1)
    expect((await probe({ cal_YES: Number(yes) })).largest).to.equal(0)
    expect(String(await probe({ cal_YES: 0.5 }).catch((error: unknown) => error))).to.contain('cal_YES is')
  })

  it('are outputs: a model without them cannot take over from one with them', async () => {
    const { model } = await store.open('calibrated-gbm-platt/model.zip')
    expect(whyIncompatible({ ...model, isCalibrated: false }, model)).to.equal(
      'its outputs differ: with cal_NO, cal_YES',
    )
  })

  it('by another method, or by damaged thresholds, are refused', () => {
    const ini = (from: RegExp, to: string) => (entry: string, content: Buffer) =>
      entry === 'model.ini' ? Buffer.from(String(content).replace(from, to)) : content
    const [platt, isotonic] = ['calibrated-gbm-platt', 'calibrated-gbm-isotonic']
    expect(refusal(platt, (_, content) => content)).to.equal('it was read')
    expect(refusal(platt, ini(/platt/, 'beta'))).to.match(/^model.unsupported: .* method beta/)
    expect(refusal(platt, ini(/(calib_glm_beta = \[[^,]*),[^\]]*/, '$1'))).to.match(
      /^model.corrupt: .*calib_glm_beta/,
    )
    expect(refusal(isotonic, ini(/calib_max_x = .*/, 'calib_max_x = 2'))).to.match(
      /^model.corrupt: .*calib_max_x/,
    )
    const blob =
      (name: string, change: (content: Buffer) => Buffer | null) => (entry: string, content: Buffer) =>
        entry === `calib/thresholds_${name}` ? change(content) : content
    expect(
      refusal(
        isotonic,
        blob('x', (content) => content.subarray(0, 100)),
      ),
    ).to.match(/^model.corrupt/)
    expect(
      refusal(
        isotonic,
        blob('y', () => null),
      ),
    ).to.match(/^model.corrupt/)
    const turned = (content: Buffer) =>
      Buffer.concat([
        content.subarray(0, 4),
        ...Array.from({ length: 30 }, (_, i) => content.subarray(4 + 8 * (29 - i), 12 + 8 * (29 - i))),
      ])
    expect(refusal(isotonic, blob('x', turned))).to.match(/^model.corrupt: .*ascending/)
    const one = Buffer.concat([Buffer.of(0, 0, 0, 1), Buffer.alloc(8)])
    expect(
      refusal(
        isotonic,
        blob('y', () => one),
      ),
    ).to.match(/^model.corrupt/)
  })
})
