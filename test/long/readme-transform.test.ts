import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { sharedKafka } from '../support/kafka.ts'
import { codeBlock } from '../support/pages.ts'
import { REPOSITORY } from '../support/process.ts'
import { outputOf } from '../support/typed-commands.ts'

const NAME = 'UpperCase'
const FILE = 'transforms/upper-case.ts'
const COPIED = [
  ...['bin', 'connectors', 'docs', 'schemas', 'scripts', 'src', 'test', 'toolchain', 'transforms'],
  ...['.mocharc.json', '.prettierrc.json', '.prettierignore', 'README.md', 'eslint.config.js'],
  ...['package.json', 'package-lock.json', 'tsconfig.json'],
]

/** A copy of the checkout, in which the transform of the README is pasted as its reader would: a file, and its name in the list. */
describe('the transform of the README, pasted word for word', function () {
  this.timeout(240_000)
  let folder: string
  let env: Readonly<Record<string, string>>

  const run = (command: string) => outputOf(command, { cwd: folder, env })
  const mocha = (file: string) => run(`node_modules/.bin/mocha ${file} --grep ${NAME}`)

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-pasted-'))
    for (const name of COPIED)
      await cp(path.join(REPOSITORY, name), path.join(folder, name), { recursive: true })
    for (const name of ['node_modules', 'models', 'config'])
      await symlink(path.join(REPOSITORY, name), path.join(folder, name))
    await writeFile(path.join(folder, FILE), codeBlock('README.md', 'import { defineConfig'))
    const list = path.join(folder, 'transforms/index.ts')
    const text = (await readFile(list, 'utf8'))
      .replace(/(?=\n\/\*\*)/, "import { upperCase } from './upper-case.ts'\n")
      .replace(/(transforms: readonly TransformPlugin\[\] = \[[^\]]*\n)\]/, '$1  upperCase,\n]')
    expect(text).to.contain('  upperCase,\n')
    await writeFile(list, text)
    env = { SLUICE_TEST_KAFKA: (await sharedKafka()).bootstrapServers }
  })
  after(() => rm(folder, { recursive: true, force: true }))

  it('is formatted, and has neither a lint nor a type error', async () => {
    const files = `${FILE} transforms/index.ts`
    await run(`node_modules/.bin/prettier --check ${files} && node_modules/.bin/eslint ${files}`)
    const config = { extends: './tsconfig.json', include: ['transforms'] }
    await writeFile(path.join(folder, 'tsconfig.pasted.json'), JSON.stringify(config))
    await run('node_modules/.bin/tsc --noEmit -p tsconfig.pasted.json')
  })

  it('is in the reference after npm run docs', async () => {
    await run('npm run -s docs:check').then(
      () => expect.fail('the reference knew it before'),
      (error: unknown) => expect(String(error)).to.contain('transforms.md'),
    )
    await run('npm run -s docs && npm run -s docs:check')
    expect(await readFile(path.join(folder, 'docs/reference/transforms.md'), 'utf8')).to.contain(`## ${NAME}`)
  })

  it('passes what every transform passes: its contract, and its examples in a connector', async () => {
    expect(await mocha('test/contract/plugins.test.ts')).to.match(/^[3-9] passed, 0 failed/m)
    expect(await mocha('test/integration/transform-examples.test.ts')).to.match(/^1 passed, 0 failed/m)
  })
})
