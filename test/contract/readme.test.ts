import { expect } from 'chai'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { after, before, describe, it } from 'mocha'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { SILENT, struct, type SideName, type TransformPlugin, type Value } from '../../src/index.ts'
import { ModelStore } from '../../src/inference/store/model-store.ts'
import { batchOf } from '../support/example-batch.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')
const models = new ModelStore({ modelsDir: path.join(ROOT, 'models'), allowedDirs: [], log: SILENT })

describe('the transform in the README', () => {
  let folder: string
  let plugin: TransformPlugin

  before(async () => {
    const code = /```ts\n(import [\s\S]*?)```/.exec(await readFile(path.join(ROOT, 'README.md'), 'utf8'))?.[1]
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-readme-'))
    const file = path.join(folder, 'upper-case.ts')
    await writeFile(file, (code ?? '').replace("'sluice'", JSON.stringify(path.join(ROOT, 'src/index.ts'))))
    const module = (await import(pathToFileURL(file).href)) as { upperCase: TransformPlugin }
    plugin = module.upperCase
  })

  after(() => rm(folder, { recursive: true, force: true }))

  async function run(side: SideName, value: Value): Promise<Value> {
    const transform = await plugin.open(plugin.config.read({ field: 'a' }), { side, models, log: SILENT })
    const result = await transform.apply(batchOf([{ value }]))
    expect(result.failure(0)).to.equal(undefined)
    return result.record(0).value
  }

  it('does what its example says', async () => {
    const [{ have, want } = { have: [], want: [] }] = plugin.examples
    expect(await run('value', have[0]?.value ?? null)).to.deep.equal((want[0] as { value: Value }).value)
  })

  it('leaves a record without the field, a null in it and a tombstone as they are', async () => {
    for (const value of [struct({ b: 1 }), struct({ a: null }), null])
      expect(await run('value', value)).to.deep.equal(value)
  })

  it('leaves the value alone where it is told to work on the key', async () => {
    expect(await run('key', struct({ a: 'ua' }))).to.deep.equal(struct({ a: 'ua' }))
  })
})

describe('every npm command in a code block of the README', () => {
  it('installs first where nothing is installed: the system’s node cannot run the sources', async () => {
    const blocks =
      (await readFile(path.join(ROOT, 'README.md'), 'utf8')).match(/```sh\n[\s\S]*?```/g)?.join('') ?? ''
    const names = [...blocks.matchAll(/^npm (?!install )(?:run (?:-s )?)?(\w+)/gm)].map(
      ([, name]) => name ?? '',
    )
    expect(names).to.include.members(['quickstart', 'test', 'sluice'])
    const { scripts } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>
    }
    for (const name of names)
      expect(scripts[name], name).to.match(/^(npm run -s |sh scripts\/)install-if-needed(\.sh)? && /)
  })
})
