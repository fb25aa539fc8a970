import { expect } from 'chai'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { after, before, describe, it } from 'mocha'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { codeBlock } from '../support/pages.ts'
import { REPOSITORY } from '../support/process.ts'
import { commandsOf, outputOf } from '../support/typed-commands.ts'

const MAIN = `${process.execPath} --conditions=source ${path.join(REPOSITORY, 'src/cli/main.ts')}`

describe('what docs/testing-configs.md shows', function () {
  this.timeout(120_000)
  let folder: string

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-testing-'))
    await writeFile(
      path.join(folder, 'marked.json'),
      codeBlock('docs/testing-configs.md', '{\n  "name": "marked"'),
    )
    await writeFile(
      path.join(folder, 'marked.test.json'),
      codeBlock('docs/testing-configs.md', '{\n  "cases"'),
    )
  })
  after(() => rm(folder, { recursive: true, force: true }))

  /** In a checkout instead of a package. */
  const run = (command: string): Promise<string> =>
    outputOf(command.replaceAll('npx sluice', MAIN).replaceAll('node_modules/sluice', REPOSITORY), {
      cwd: folder,
    })

  it('scores a flight', async () => {
    let output = ''
    for (const command of commandsOf(codeBlock('docs/testing-configs.md', 'echo')))
      output = await run(command)
    expect(JSON.parse(output)).to.include({ prediction: 'YES', Dest: 'TPA', model_version: '1' })
  })

  it('tests a connector', async () => {
    const [command = ''] = commandsOf(codeBlock('docs/testing-configs.md', 'npx sluice test'))
    expect((await run(command)).split('\n').filter((line) => line.startsWith('  ok'))).to.have.length(3)
  })
})
