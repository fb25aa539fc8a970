import { expect } from 'chai'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { after, before, describe, it } from 'mocha'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ModelError } from '../../../src/api/errors.ts'
import { inspectInProcess } from '../../../src/inference/store/model-inspection.ts'
import { endlessOnnx, wideOnnx } from '../../support/hostile-onnx.ts'
import { FIXTURES } from '../../support/model-fixtures.ts'
import { REPOSITORY } from '../../support/process.ts'

const WIDE_BYTES = 2 ** 28
const USUAL = { milliseconds: 60_000, heapMib: 2048, dataMib: 4096 }

function inspector(limits = USUAL) {
  return inspectInProcess(limits, path.join(REPOSITORY, 'src/cli/main.ts'), ['--conditions=source'])
}

describe('a model inspected in a process of its own', function () {
  this.timeout(60_000)
  let folder: string

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-inspection-'))
  })
  after(() => rm(folder, { recursive: true }))

  /** Puts the version 1 of a model there. */
  async function model(name: string, file: string, bytes: Buffer | string, probe?: string): Promise<string> {
    await mkdir(path.join(folder, name, '1'), { recursive: true })
    await writeFile(path.join(folder, name, '1', file), bytes)
    if (probe !== undefined) await writeFile(path.join(folder, name, '1/probe.jsonl'), probe)
    return path.join(folder, `${name}$1`)
  }

  async function refusal(inspecting: Promise<unknown>): Promise<string> {
    const error = await inspecting.then(
      () => undefined,
      (cause: unknown) => cause,
    )
    expect(error).to.be.instanceOf(ModelError)
    return (error as ModelError).message
  }

  it('is described, or refused with what the command says', async () => {
    const damaged = await model('damaged', 'm.zip', 'PK damaged')
    expect(await refusal(inspector()(damaged))).to.match(/^damaged\/1\/m\.zip: /)
    await cp(path.join(FIXTURES, 'gaussian-constant/model.zip'), path.join(folder, 'good/1/m.zip'), {
      recursive: true,
    })
    const good = path.join(folder, 'good$1')
    expect(await inspector()(good)).to.include({ name: 'good', version: '1', algorithm: 'gbm', probes: 0 })
    await cp(path.join(FIXTURES, 'drf/model.zip'), path.join(folder, 'good/2/m.zip'), { recursive: true })
    const next = await refusal(inspector()(path.join(folder, 'good$2'), good))
    expect(next).to.include('from version 1 (good/1/m.zip) while connectors run: its algorithm is drf')
    // A typing error must not pass for a model that may take over.
    const mistyped = inspector()(path.join(folder, 'good$2'), path.join(folder, 'goof'))
    expect(await refusal(mistyped)).to.include('There is no model at')
  })

  it('is refused at the deadline where it never comes to an end, with probes or without', async () => {
    const endless = endlessOnnx()
    const inspect = inspector({ ...USUAL, milliseconds: 2000 })
    const references = [
      await model('endless', 'm.onnx', endless),
      await model('probed', 'm.onnx', endless, PROBE),
    ]
    for (const said of await Promise.all(references.map((each) => refusal(inspect(each)))))
      expect(said).to.include('within 2 s')
  })

  it('is refused where it takes more memory than it may', async function () {
    if (process.platform !== 'linux') this.skip()
    const wide = await model('wide', 'm.onnx', wideOnnx(WIDE_BYTES), PROBE)
    expect(await refusal(inspector({ ...USUAL, dataMib: 700 })(wide))).to.match(/within|probe/)
    expect(await inspector()(wide)).to.include({ probes: 1 })
  })
})

const PROBE = '{"input":{"f0":5},"output":{"prediction":5}}\n'
