import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { codeBlock } from '../support/pages.ts'
import { REPOSITORY } from '../support/process.ts'
import { commandsOf, outputOf } from '../support/typed-commands.ts'

const ROWS = `Month,DayofMonth,DayOfWeek,CRSDepTime,CRSArrTime,UniqueCarrier,Origin,Dest,Distance
7,4,4,1900,2115,EV,EWR,ORD,719
11,5,2,600,735,DL,LGA,ATL,762
`

describe('the commands of docs/models.md', function () {
  this.timeout(60_000)
  let folder: string

  /** A checkout whose models/fraud is a model of the reader: here the one for flights. */
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-models-guide-'))
    for (const name of [
      'node_modules',
      'package.json',
      'package-lock.json',
      'src',
      'connectors',
      'transforms',
    ])
      await symlink(path.join(REPOSITORY, name), path.join(folder, name))
    await cp(path.join(REPOSITORY, 'models/airline-delay'), path.join(folder, 'models/fraud'), {
      recursive: true,
    })
    await writeFile(path.join(folder, 'rows.csv'), ROWS)
    await mkdir(path.join(folder, 'scripts'))
    await writeFile(path.join(folder, 'scripts/install-if-needed.sh'), '') // the checkout's node_modules stay as they are
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  const run = (command: string) => outputOf(command, { cwd: folder })

  it('look at a model, score a file with it, and check it against its probes', async () => {
    const commands = commandsOf(codeBlock('docs/models.md', 'npm run -s sluice -- models inspect'))
    const [inspected = '', , verified = ''] = await Promise.all(commands.map(run))
    expect(inspected).to.contain('probes        198')
    expect(verified).to.contain('198 probes, largest difference')
    const scores = await readFile(path.join(folder, 'scores.csv'), 'utf8')
    expect(scores).to.match(/^predict,NO,YES\n(?:(?:YES|NO),0\.\d+,0\.\d+\n){2}$/)
  })

  it('write the manifest and the probes of a model that has none', async () => {
    for (const name of ['manifest.json', 'probe.jsonl']) await rm(path.join(folder, 'models/fraud', name))
    for (const command of commandsOf(codeBlock('docs/models.md', 'npm run -s sluice -- models init')))
      await run(command)
    const probes = await readFile(path.join(folder, 'models/fraud/probe.jsonl'), 'utf8')
    expect(probes.trimEnd().split('\n')).to.have.lengthOf(2)
  })
})
