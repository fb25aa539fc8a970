import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { ConfigError, DataError, NO_IMAGES } from '../../../src/index.ts'
import { type CheckedImageRules, openImages } from '../../../src/inference/images/images.ts'
import { picture, SIZE } from './pictures.ts'

describe('the locations that a worker allows', () => {
  let folder = ''
  let allowed = ''
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-frame-'))
    allowed = path.join(folder, 'images')
    await mkdir(path.join(allowed, 'inner'), { recursive: true })
    await mkdir(path.join(folder, 'images2'))
    await writeFile(path.join(folder, 'secret.jpg'), await picture().jpeg().toBuffer())
    await writeFile(path.join(allowed, 'a.jpg'), await picture().jpeg().toBuffer())
    await writeFile(path.join(allowed, 'inner', 'a.jpg'), await picture().jpeg().toBuffer())
    await symlink('..', path.join(allowed, 'out'))
    await symlink('inner', path.join(allowed, 'in'))
    await symlink(path.join(allowed, 'inner'), path.join(folder, 'way-in'))
    execFileSync('mkfifo', [path.join(allowed, 'pipe')])
  })
  after(() => rm(folder, { recursive: true, force: true }))

  function open(rules: Partial<CheckedImageRules>) {
    const all = { ...NO_IMAGES, dirs: [allowed] }
    return openImages({
      ...{ fileRoot: null, httpOrigins: [], allowed: all, maxBytes: 2 ** 20, fetchTimeoutMs: 1000 },
      ...rules,
    })
  }

  async function problems(rules: Partial<CheckedImageRules>): Promise<ConfigError['problems']> {
    const error: unknown = await open(rules).then(
      () => expect.fail(`${JSON.stringify(rules)} was opened`),
      (caught: unknown) => caught,
    )
    expect(error).to.be.instanceOf(ConfigError)
    return (error as ConfigError).problems
  }

  it('are its folders and what lies below them, wherever links lead from', async () => {
    for (const root of [
      allowed,
      `${allowed}/`,
      ...['inner', 'in', 'inner/..'].map((each) => `${allowed}/${each}`),
    ])
      await open({ fileRoot: root })
    const linked = await open({ fileRoot: path.join(folder, 'way-in') })
    expect(await linked.read('a.jpg', SIZE)).to.have.length(224 * 224 * 3)
  })

  it('are no other folders: each is refused by the name of its key, with the setting of the worker', async () => {
    const roots = [
      ...[
        '/',
        '/etc',
        '/proc/self',
        '/data/images2',
        folder,
        `${allowed}2`,
        `${allowed}/..`,
        `${allowed}/../images2`,
      ],
      ...[
        'out',
        'out/images2',
        'a.jpg',
        'pipe',
        'nothing',
        '%2e%2e',
        '%2e%2e/images2',
        '..%2fimages2',
        '.\0',
        '\0',
      ].map((each) => `${allowed}/${each}`),
      ...[
        pathToFileURL(allowed).href,
        pathToFileURL(folder).href,
        'file:///',
        'images',
        '',
        '~',
        `${allowed}\0/x`,
      ],
    ]
    for (const fileRoot of roots) {
      const [problem, ...others] = await problems({ fileRoot })
      expect([problem?.path, others], fileRoot).to.deep.equal(['file.root', []])
      expect(problem?.message, fileRoot).to.include('images.allowed.dirs in the settings of the worker')
    }
  })

  it('are none at all unless the worker says so', async () => {
    const found = await problems({
      ...{
        fileRoot: allowed,
        httpOrigins: ['https://images.test', 'http://127.0.0.1:8080'],
        allowed: NO_IMAGES,
      },
    })
    expect(found.map((each) => each.path)).to.deep.equal(['file.root', 'http.allowed.origins'])
    expect(found[0]?.message).to.include('images.allowed.dirs, which names none')
    expect(found[1]?.message).to.include('images.allowed.origins in the settings of the worker')
    const images = await open({ allowed: NO_IMAGES })
    expect(await images.read(await picture().png().toBuffer(), SIZE)).to.have.length(224 * 224 * 3)
  })

  it('are the very origins that it names', async () => {
    const origins = ['https://images.test', 'http://images.test:8080']
    const all = { ...NO_IMAGES, origins }
    await open({ httpOrigins: origins.slice(1), allowed: all })
    for (const other of [
      'http://images.test',
      'https://images.test:8080',
      'https://x.images.test',
      'https://images.test.x',
    ]) {
      const [problem] = await problems({ httpOrigins: [...origins, other], allowed: all })
      expect([problem?.path, problem?.message.includes(`from ${other}.`)], other).to.deep.equal([
        'http.allowed.origins',
        true,
      ])
    }
  })

  it('stay what they were when the root is replaced by a link that leads out', async () => {
    const root = path.join(allowed, 'swapped')
    await mkdir(root)
    const images = await open({ fileRoot: root })
    await rename(root, `${root}-before`)
    await symlink(folder, root)
    const error: unknown = await images.read('secret.jpg', SIZE).catch((caught: unknown) => caught)
    expect(error).to.be.instanceOf(DataError)
  })
})
