import { expect } from 'chai'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'mocha'
import { eventually } from '../support/eventually.ts'
import { loopingGraph, POISON } from '../support/hostile-graphs.ts'
import { endlessOnnx } from '../support/hostile-onnx.ts'
import { sluice, type StartedProcess } from '../support/process.ts'
import { descendantsOf, type RunningProcess, stillRunning } from '../support/process-tree.ts'

describe('a model that never comes to an end, on the command line', function () {
  this.timeout(60_000)
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-endless-'))
  const endless = path.join(folder, 'endless.onnx')
  const looping = path.join(folder, 'looping', 'looping.onnx')
  const rows = path.join(folder, 'rows.csv')
  before(() => writeFileSync(endless, endlessOnnx()))
  after(() => rmSync(folder, { recursive: true }))

  async function run(...args: readonly string[]) {
    const command = sluice(['models', ...args])
    const code = await command.exited
    return { code, stdout: command.stdout(), stderr: command.stderr() }
  }

  /** The child that reads the model. */
  const child = (command: StartedProcess): Promise<RunningProcess> =>
    eventually(() => descendantsOf(command.pid).find(({ command: text }) => text.includes('endless.onnx')), {
      timeoutMs: 20_000,
    })

  it('is stopped at the deadline, with what to do', async () => {
    const { code, stdout, stderr } = await run('inspect', endless, '--timeout', '2')
    expect(stderr).to.include(`Reading and probing ${endless} did not end within 2 s`)
    expect(stderr).to.include('--timeout SECONDS')
    expect([code, stdout, stderr.trimEnd().split('\n').length]).to.deep.equal([1, '', 1])
  })

  it('is stopped by init too, which leaves nothing behind', async () => {
    writeFileSync(rows, 'x\n1\n')
    const { code, stderr } = await run('init', endless, '--sample', rows, '--timeout', '2')
    expect([code, stderr]).to.deep.equal([1, stderr.match(/.*did not end within 2 s.*\n/)?.[0]])
    expect(readdirSync(folder).filter((name) => name.includes('manifest'))).to.deep.equal([])
  })

  it('names the rows over which it did not end, and keeps no half of the scores', async () => {
    mkdirSync(path.dirname(looping))
    writeFileSync(looping, loopingGraph())
    writeFileSync(
      rows,
      ['x', ...Array.from({ length: 70 }, (_, i) => (i === 66 ? POISON : i)), ''].join('\n'),
    )
    const output = path.join(path.dirname(looping), 'scores.csv')
    const files = ['--model', looping, '--input', rows, '--output', output]
    const { code, stderr } = await run('score', ...files, '--timeout', '4')
    expect(stderr).to.include(`Scoring rows 65 to 70 of ${rows} did not end within 4 s`)
    expect(code).to.equal(1)
    expect(readdirSync(path.dirname(looping))).to.deep.equal(['looping.onnx'])
  })

  it('ends with Ctrl-C', async () => {
    const command = sluice(['models', 'inspect', endless])
    const reader = await child(command)
    command.signal('SIGINT')
    expect(await command.exited).to.equal(130)
    expect(stillRunning([reader])).to.deep.equal([])
  })

  it('ends where the command itself is killed', async () => {
    const command = sluice(['models', 'inspect', endless])
    const reader = await child(command)
    command.signal('SIGKILL')
    await eventually(() => stillRunning([reader]).length === 0)
  })

  it('has a deadline that is a number of seconds', async () => {
    const { code, stderr } = await run('inspect', endless, '--timeout', '-1')
    expect([code, stderr.includes('number of seconds')]).to.deep.equal([1, true])
  })
})
