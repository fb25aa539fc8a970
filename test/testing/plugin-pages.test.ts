import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { codeBlock } from '../support/pages.ts'
import { linkPackages } from '../support/plugin-project.ts'

/** What the pages show, by the file that it is for. */
const FILES = {
  'src/capitals.ts': codeBlock('docs/plugins/transform.md', 'import { DataError'),
  'src/kilometres.ts': codeBlock('docs/plugins/transform.md', 'import { defineConfig, type Field'),
  'test/transform.test.ts': codeBlock('docs/plugins/transform.md', 'import assert'),
  'src/post.ts': codeBlock('docs/plugins/sink.md', 'import { DataError'),
  'test/sink.test.ts': codeBlock('docs/plugins/sink.md', 'import assert'),
  'src/feed.ts': codeBlock('docs/plugins/source.md', 'import { setTimeout'),
  'test/source.test.ts': codeBlock('docs/plugins/source.md', 'import assert'),
}

describe('the pages on a transform, a sink and a source', function () {
  this.timeout(60_000)
  let folder: string

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-pages-'))
    for (const [file, text] of Object.entries({ ...FILES, 'package.json': '{ "type": "module" }' })) {
      await mkdir(path.dirname(path.join(folder, file)), { recursive: true })
      await writeFile(path.join(folder, file), text)
    }
    await linkPackages(folder, ['sluice'])
  })
  after(() => rm(folder, { recursive: true, force: true }))

  it('show plugins that pass the tests that they show', async () => {
    const runner = ['--test', '--test-reporter=tap', '--test-isolation=none', 'test/*.test.ts']
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=source', ...runner], {
      cwd: folder,
    })
    expect(stdout)
      .to.match(/^# pass 5$/m)
      .and.to.match(/^# fail 0$/m)
  })
})
