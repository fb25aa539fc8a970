import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { REPOSITORY } from '../support/process.ts'

describe('scripts/install-if-needed.sh', () => {
  let folder = ''
  const at = (...parts: string[]) => path.join(folder, ...parts)

  /** A checkout with a lockfile, whose npm only writes down how it was called and makes its stamp. */
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-install-'))
    for (const name of ['scripts', 'bin']) await mkdir(at(name))
    await copyFile(path.join(REPOSITORY, 'scripts/install-if-needed.sh'), at('scripts/install-if-needed.sh'))
    await writeFile(at('package-lock.json'), '{}')
    await writeFile(
      at('bin/npm'),
      '#!/bin/sh\necho "$* $ONNXRUNTIME_NODE_INSTALL" >> npm-calls\nmkdir -p node_modules && touch node_modules/.package-lock.json\n',
    )
    await node('process.exit(0)')
    await chmod(at('bin/npm'), 0o755)
  })

  afterEach(() => rm(folder, { recursive: true, force: true }))

  /** A `node` that answers every script in one way, and calls itself v18.0.0. */
  async function node(answer: string): Promise<void> {
    const version = '[ "$1" = --version ] && echo v18.0.0 && exit\n'
    await writeFile(at('bin/node'), `#!/bin/sh\n${version}exec "${process.execPath}" -e '${answer}'\n`)
    await chmod(at('bin/node'), 0o755)
  }

  async function run(): Promise<{ calls: string[]; code: number; stderr: string }> {
    const env = { PATH: `${at('bin')}:/usr/bin:/bin` }
    const ended = promisify(execFile)('sh', [at('scripts/install-if-needed.sh')], { env })
    const { code, stderr } = await ended.then(
      (out) => ({ code: 0, stderr: out.stderr }),
      (error: unknown) => error as { code: number; stderr: string },
    )
    const calls = await readFile(at('npm-calls'), 'utf8').catch(() => '')
    return { calls: calls.split('\n').filter((call) => call !== ''), code, stderr }
  }

  it('installs where node_modules is absent, once', async () => {
    expect((await run()).calls).to.have.lengthOf(1)
    const { calls } = await run()
    expect(calls).to.have.lengthOf(1)
    expect(calls[0]).to.match(/^ci /)
  })

  it('keeps the script of onnxruntime-node from downloading, also with an npm that knows no allowScripts', async () => {
    expect((await run()).calls[0]).to.match(/ skip$/)
    const { allowScripts } = JSON.parse(await readFile(path.join(REPOSITORY, 'package.json'), 'utf8')) as {
      allowScripts: Record<string, boolean>
    }
    expect(allowScripts['onnxruntime-node']).to.equal(false)
  })

  it('npm knows every setting of the checkout', async () => {
    const env = { ...process.env, npm_config_loglevel: 'warn' }
    const { stderr } = await promisify(execFile)('npm', ['config', 'get', 'fund'], { cwd: REPOSITORY, env })
    expect(stderr).not.to.contain('Unknown project config')
  })

  it('installs again where the lockfile is newer, and not where it is older', async () => {
    await run()
    const minutes = (count: number) => new Date(Date.now() + count * 60_000)
    await utimes(at('package-lock.json'), minutes(-1), minutes(-1))
    expect((await run()).calls).to.have.lengthOf(1)
    await utimes(at('package-lock.json'), minutes(1), minutes(1))
    expect((await run()).calls).to.have.lengthOf(2)
  })

  it('says in one line which Node it needs where the one at hand is too old', async () => {
    await run()
    await node('process.exit(1)')
    const { code, stderr } = await run()
    expect(code).to.equal(1)
    expect(stderr).to.match(/^Sluice needs Node 22\.22 or newer; this is v18\.0\.0\. .*\n$/)
  })
})
