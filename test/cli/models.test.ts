import { expect } from 'chai'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { after, describe, it } from 'mocha'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { CommandError } from '../../src/api/errors.ts'
import { openModel } from '../../src/cli/open-model.ts'
import { scoreFile } from '../../src/cli/score-csv.ts'
import { FIXTURES } from '../support/model-fixtures.ts'
import { UNSUPERVISED } from '../support/process.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
const folder = mkdtempSync(path.join(tmpdir(), 'sluice-cli-'))
after(() => rmSync(folder, { recursive: true }))

function sluice(...args: string[]) {
  const command = ['--conditions=source', 'src/cli/main.ts', 'models', ...args, ...UNSUPERVISED]
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: ROOT, encoding: 'utf8' })
  return { status, stdout, stderr }
}

function write(name: string, content: string | Buffer): string {
  const file = path.join(folder, name)
  writeFileSync(file, content)
  return file
}

function fixture(name: string) {
  const read = (file: string) => gunzipSync(readFileSync(path.join(FIXTURES, name, `${file}.csv.gz`)))
  const expected = read('expected').toString('utf8').trimEnd().split('\n')
  return {
    model: path.join(FIXTURES, name, 'model.zip'),
    input: write(`${name}.csv`, read('input')),
    expected,
  }
}

/** Scores a CSV text with a model, as the command does but in this process. */
async function score(model: string, text: string | Buffer) {
  const output = path.join(folder, 'scores.csv')
  rmSync(output, { force: true })
  const warnings: string[] = []
  const files = { input: write('rows.csv', text), output, warn: (message: string) => warnings.push(message) }
  const error = await openModel(model)
    .then((ready) => scoreFile(ready, files))
    .then(
      () => undefined,
      (cause: unknown) => cause,
    )
  const lines = existsSync(output) ? readFileSync(output, 'utf8').trimEnd().split('\n') : []
  return { error, warnings, lines }
}

/** The cells of a CSV line, but numbers as numbers. */
function cells(line: string): (string | number)[] {
  return line
    .split(',')
    .map((cell, i) => (i > 0 || /^-?[\d.]+(e[+-]?\d+)?$/i.test(cell) ? Number(cell) : cell))
}

function expectNear(found: readonly string[], expected: readonly string[]) {
  expect(found.length).to.equal(expected.length)
  expected.forEach((line, i) => {
    const right = cells(line)
    cells(found[i]!).forEach((cell, k) => {
      if (typeof cell === 'string') expect(cell).to.equal(right[k])
      else expect(cell).to.be.closeTo(right[k] as number, 1e-12 * Math.max(1, Math.abs(cell)))
    })
  })
}

describe('sluice models score', () => {
  it('writes predict and a column per class, as h2o-genmodel has them', () => {
    const { model, input, expected } = fixture('multinomial')
    const output = path.join(folder, 'multinomial-scores.csv')
    const { status, stdout } = sluice(
      'score',
      '--model',
      model,
      '--input',
      input,
      '--output',
      output,
      '--json',
    )
    expect(status).to.equal(0)
    const [header, ...rows] = readFileSync(output, 'utf8').trimEnd().split('\n')
    expect(header).to.equal('predict,AA,B6,DL,EV,UA')
    expectNear(rows, expected.slice(1))
    expect(rows[0]).to.match(/,0\.\d{17,}/)
    const summary = JSON.parse(stdout) as { rows: number; labels: Record<string, number>; seconds: number }
    expect(summary.rows).to.equal(rows.length)
    expect(Object.keys(summary.labels)).to.deep.equal(['AA', 'B6', 'DL', 'EV', 'UA'])
    expect(Object.values(summary.labels).reduce((a, b) => a + b)).to.equal(rows.length)
    expect(summary.seconds).to.be.greaterThan(0)
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).to.deep.equal([])
  })

  it('writes predict alone for a regression', () => {
    const { model, input, expected } = fixture('poisson')
    const output = path.join(folder, 'poisson-scores.csv')
    const { status, stdout, stderr } = sluice('score', '--model', model, '--input', input, '--output', output)
    expect({ status, stdout }).to.deep.equal({ status: 0, stdout: '' })
    expect(stderr).to.match(/^\d+ rows scored in/)
    const lines = readFileSync(output, 'utf8').trimEnd().split('\n')
    expect(lines[0]).to.equal('predict')
    expectNear(lines.slice(1), expected.slice(1))
  })

  for (const name of ['autoencoder', 'isolation-forest']) {
    it(`writes the scores of an anomaly model by name: ${name}`, async () => {
      const { model, input, expected } = fixture(name)
      const { lines } = await score(model, readFileSync(input))
      expect(lines[0]).to.equal(expected[0])
      expectNear(lines.slice(1), expected.slice(1))
    })
  }

  const model = path.join(FIXTURES, 'binomial-na/model.zip')

  it('takes quoted cells, a byte order mark, columns in another order and columns of no interest', async () => {
    const plain = await score(model, 'Origin,Dest,Month,Distance\nJFK,BOS,6,187\n,NA,6,\n')
    const other = await score(
      model,
      '\ufeff"note","Month",Dest,Origin,Distance\r\n"a, ""b""\r\nc"," 6 ","BOS",JFK,187\r\n,6,,,NA\r\n\r\n',
    )
    expect(plain.lines).to.have.length(3)
    expect(other.lines).to.deep.equal(plain.lines)
    expect(plain.lines[0]).to.equal('predict,late (> 0 min),on-time')
    expect(plain.warnings.join()).to.include('lacks DayofMonth, DayOfWeek')
  })

  it('finds the model that the project ships by its name', async () => {
    const { error, lines } = await score('airline-delay', 'Month,Origin\n4,EWR\n')
    expect(error).to.equal(undefined)
    expect(lines[0]).to.equal('predict,NO,YES')
  })

  it('gives no label where the offset of a row is missing', async () => {
    const { lines } = await score(path.join(FIXTURES, 'binomial-offset/model.zip'), 'Month,Shift\n4,\n')
    expect(lines[1]).to.equal(',NaN,NaN')
  })

  for (const [what, text, message] of [
    ['a row of another width', 'Month,Dest\n1,BOS\n1\n', 'line 3 has 1 cells where the header has 2'],
    [
      'a cell that is not a number',
      'Month,Dest\n1,BOS\n"0x1F",BOS\n',
      'line 3: Month is "0x1F", which is not a number',
    ],
    ['a column twice', 'Month,Month\n1,2\n', 'has the column Month twice'],
    ['none of the columns', 'a,b\n1,2\n', "has none of the model's columns"],
    ['an open quote', 'Month,Dest\n1,"BOS\n', 'line 2 has a quoted cell that does not end'],
    ['no header', '', 'is empty'],
    ['bytes that are not UTF-8', Buffer.from([77, 0xff, 10]), 'is not UTF-8'],
  ] as const) {
    it(`with ${what} ends with one clear line and writes nothing`, async () => {
      const { error, lines } = await score(model, text)
      expect(error).to.be.instanceOf(CommandError)
      expect((error as Error).message)
        .to.include(message)
        .and.not.include('\n')
      expect(lines).to.deep.equal([])
      expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).to.deep.equal([])
    })
  }

  it('needs the columns that a manifest requires, and an offset', async () => {
    const { error } = await score(path.join(FIXTURES, 'binomial-offset/model.zip'), 'Month\n1\n')
    expect((error as Error).message).to.include('lacks columns that the model needs: Shift')
  })

  it('does not write over its input', () => {
    const file = write('same.csv', 'Month\n1\n')
    const { status, stderr } = sluice('score', '--model', model, '--input', file, '--output', file)
    expect(status).to.equal(1)
    expect(stderr).to.include('is the input itself')
    expect(readFileSync(file, 'utf8')).to.equal('Month\n1\n')
  })

  it('says in one line that a file is not there', () => {
    const { status, stderr } = sluice(
      'score',
      '--model',
      model,
      '--input',
      '/nope.csv',
      '--output',
      path.join(folder, 'x'),
    )
    expect(status).to.equal(1)
    expect(stderr).to.include('/nope.csv')
  })
})

describe('sluice models inspect', () => {
  it('shows what a model is', () => {
    const { status, stdout } = sluice('inspect', 'models/airline-delay')
    expect(status).to.equal(0)
    for (const part of [
      /^format +h2o-mojo 1\.40$/m,
      /^algorithm +gbm$/m,
      /^labels +NO, YES$/m,
      /^threshold +0\.33982424823823953 \(YES\)$/m,
      /^probes +198$/m,
      /^ {2}Origin +categorical, optional +3 levels: EWR, JFK, LGA$/m,
      /^ {2}Dest .*104 levels: ABQ, .* … XNA$/m,
    ]) {
      expect(stdout).to.match(part)
    }
  })

  it('gives all of it as JSON', () => {
    const { stdout } = sluice('inspect', path.join(FIXTURES, 'multinomial/model.zip'), '--json')
    const shown = JSON.parse(stdout) as {
      columns: { name: string; type: string; domain?: string[] }[]
      labels: string[]
    }
    expect(shown).to.include({ format: 'h2o-mojo', task: 'classification', threshold: null, manifest: false })
    expect(shown.labels).to.have.length(5)
    expect(shown.columns.find((column) => column.name === 'Dest')?.domain).to.include('BOS')
  })

  it('refuses what is no model in one line', () => {
    const { status, stderr } = sluice('inspect', write('no.zip', 'hello'))
    expect(status).to.equal(1)
    expect(stderr).to.match(/^sluice: .*not a zip archive.*\n$/)
  })

  it('refuses a model of another program in one line, with what to do instead', () => {
    mkdirSync(path.join(folder, 'mine'))
    write('mine/saved_model.pb', '')
    const { status, stderr } = sluice('inspect', path.join(folder, 'mine'))
    expect(status).to.equal(1)
    expect(stderr).to.match(
      /^sluice: .* holds a TensorFlow SavedModel, which is not read\. Convert it: .*\n$/,
    )
  })
})
