import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { DataError } from '../../../src/index.ts'
import { readLocalImage } from '../../../src/inference/images/read-local-image.ts'

describe('images in files', () => {
  let folder = ''
  let root = ''
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-images-'))
    root = path.join(folder, 'root')
    await mkdir(path.join(root, 'inner'), { recursive: true })
    await mkdir(path.join(folder, 'root-secret'))
    for (const file of ['secret', 'root-secret/a', 'root/a.jpg', 'root/inner/b c.jpg', 'root/..x']) {
      await writeFile(path.join(folder, file), file)
    }
    await symlink('../secret', path.join(root, 'link'))
    await symlink('..', path.join(root, 'up'))
    await symlink('inner/b c.jpg', path.join(root, 'good'))
    await symlink('loop', path.join(root, 'loop'))
    execFileSync('mkfifo', [path.join(root, 'pipe')])
    await writeFile(path.join(root, 'large'), '')
    await truncate(path.join(root, 'large'), 50 * 2 ** 20)
  })
  after(() => rm(folder, { recursive: true, force: true }))

  const read = async (location: string) => (await readLocalImage(root, location, 1000)).toString()

  it('are read by a relative path, an absolute one or a file URL, and through links that stay inside', async () => {
    expect(await read('a.jpg')).to.equal('root/a.jpg')
    expect(await read('./inner/../inner/b c.jpg')).to.equal('root/inner/b c.jpg')
    expect(await read(path.join(root, 'a.jpg'))).to.equal('root/a.jpg')
    expect(await read(pathToFileURL(path.join(root, 'inner/b c.jpg')).href)).to.equal('root/inner/b c.jpg')
    expect(await read('good')).to.equal('root/inner/b c.jpg')
    expect(await read('..x')).to.equal('root/..x')
    expect(await read('inner/../../root/a.jpg')).to.equal('root/a.jpg')
  })

  it('are not read where a path leads out of the folder, or to no regular file; all is refused with one message', async () => {
    const secret = pathToFileURL(path.join(folder, 'secret')).href
    const locations = [
      ...['', '.', '/', '..', '../', 'inner', 'inner/', 'nothing', 'a.jpg/x', 'a.jpg\0', '\0', 'a.jpg\0.png'],
      ...[
        '../secret',
        'inner/../../secret',
        './../secret',
        '..//secret',
        '....//secret',
        '/../secret',
        '../root-secret/a',
      ],
      ...[
        '%2e%2e/secret',
        '..%2fsecret',
        '%2e%2e%2fsecret',
        '..\\secret',
        '..%00/secret',
        '~/secret',
        '..;/secret',
      ],
      ...[
        path.join(folder, 'secret'),
        path.join(folder, 'root-secret/a'),
        `${root}-secret/a`,
        `${root}/../secret`,
      ],
      ...[
        'link',
        'up/secret',
        'up/root-secret/a',
        'loop',
        'pipe',
        '/etc/passwd',
        '/dev/zero',
        '/proc/self/environ',
      ],
      ...[secret, `file:${root}/../secret`, `file://${root}/%2e%2e/secret`, `file://${root}/..%2fsecret`],
      ...[
        `file://host${root}/a.jpg`,
        'file://',
        'file:',
        'FILE:///etc/passwd',
        `file://${root}/a.jpg%00`,
        'x'.repeat(10_000),
      ],
    ]
    const messages = new Set<string>()
    for (const location of locations) {
      const error: unknown = await read(location).then(
        () => expect.fail(`${JSON.stringify(location)} was read`),
        (caught: unknown) => caught,
      )
      expect(error, location).to.be.instanceOf(DataError)
      messages.add((error as DataError).message)
    }
    expect(locations.length).to.be.greaterThan(40)
    expect([...messages]).to.have.length(1)
    expect([...messages][0]).to.not.include(folder)
  })

  it('are not read where the folder itself has become a link to another place', async () => {
    const place = path.join(folder, 'place')
    await symlink(path.join(folder, 'root-secret'), place)
    const error: unknown = await readLocalImage(place, 'a', 1000).catch((caught: unknown) => caught)
    expect(error).to.be.instanceOf(DataError)
  })

  it('are not read where they are too large', async () => {
    const error: unknown = await read('large').catch((caught: unknown) => caught)
    expect((error as DataError).message).to.include('more than 1000 bytes')
  })
})
