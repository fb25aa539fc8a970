import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createSocketServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { messageOf } from '../../src/api/errors.ts'
import { fetchImage } from '../../src/inference/images/fetch-image.ts'
import { readLocalImage } from '../../src/inference/images/read-local-image.ts'
import { ModelStore } from '../../src/inference/store/model-store.ts'
import { ConfigProviders, readProviders } from '../../src/runtime/config-providers/config-providers.ts'

const CANARY = 'CANARY-OUTSIDE'

describe('what lies outside of the folders and origins that are allowed', function () {
  this.timeout(60_000)
  let folder: string
  let root: string
  let providers: ConfigProviders
  let models: ModelStore
  const hits: string[] = []
  const server = createServer((request, response) => {
    hits.push(request.url ?? '')
    response.end(CANARY)
  })
  const bare = createSocketServer((socket) => {
    hits.push('a connection')
    socket.destroy()
  })
  const port = (of: typeof bare): number => (of.address() as AddressInfo).port

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'sluice-outside-'))
    root = path.join(folder, 'root')
    for (const each of ['root/inner', 'root-not', 'elsewhere'])
      mkdirSync(path.join(folder, each), { recursive: true })
    for (const file of ['secret', 'root-not/secret', 'elsewhere/secret', 'elsewhere/manifest.json'])
      writeFileSync(path.join(folder, file), `key=${CANARY}\n`)
    writeFileSync(path.join(root, 'inside'), 'key=INSIDE\n')
    for (const [target, link] of [
      ['../secret', 'link'],
      ['..', 'up'],
      ['../elsewhere', 'folder'],
      ['../root-not/secret', 'inner/link'],
      ['/etc', 'etc'],
      ['/proc/self', 'proc'],
      ['loop', 'loop'],
    ] as const)
      symlinkSync(target, path.join(root, link))
    execFileSync('mkfifo', [path.join(root, 'pipe')])
    process.env['SLUICE_TEST_OUTSIDE'] = CANARY
    const read = readProviders(
      new Map(
        Object.entries({
          'config.providers': 'file,directory,env',
          'config.providers.file.class': 'FileConfigProvider',
          'config.providers.file.param.allowed.paths': root,
          'config.providers.directory.class': 'DirectoryConfigProvider',
          'config.providers.directory.param.allowed.paths': root,
          'config.providers.env.class': 'EnvVarConfigProvider',
          'config.providers.env.param.allowlist.pattern': 'ALLOWED_.*',
        }),
      ),
    )
    expect(read.problems).to.eql([])
    providers = new ConfigProviders(read.providers)
    models = new ModelStore({ modelsDir: root, allowedDirs: [root] })
    for (const each of [server, bare])
      await new Promise<void>((resolve) => each.listen(0, '127.0.0.1', resolve))
  })
  after(() => {
    delete process.env['SLUICE_TEST_OUTSIDE']
    providers.close()
    server.closeAllConnections()
    for (const each of [server, bare]) each.close()
    rmSync(folder, { recursive: true })
  })

  /** Each ends in an error; with what it says. */
  const readers: Readonly<Record<string, (place: string) => Promise<unknown>>> = {
    'a model': (place) => models.load(place),
    'the config provider of files': async (place) =>
      (await providers.resolve({ x: `\${file:${place}:key}` }, 'Connector c')).config['x'],
    'the config provider of folders': async (place) =>
      (
        await providers.resolve(
          { x: `\${directory:${path.dirname(place)}:${path.basename(place)}}` },
          'Connector c',
        )
      ).config['x'],
    'an image of a file': async (place) => (await readLocalImage(root, place, 1000)).toString(),
  }

  /** 40 paths; absolute ones begin with the root, or say where they lead. */
  const paths = (): string[] => {
    const at = (rest: string) => `${root}/${rest}`
    return [
      ...['../secret', 'inner/../../secret', './../secret', '..//secret', '../root-not/secret', '/../secret'],
      ...[
        '%2e%2e/secret',
        '..%2fsecret',
        '%252e%252e%252fsecret',
        '..\\secret',
        '..;/secret',
        '....//secret',
      ],
      ...[
        '../secret\0',
        'inside\0/../../secret',
        '~/secret',
        '$HOME/secret',
        '${env:HOME}/secret',
        '..\u2215secret',
      ],
      ...[at('../secret'), at('inner/../../secret'), `${root}-not/secret`, at('link'), at('up/secret')],
      ...[
        at('folder/secret'),
        at('folder'),
        at('inner/link'),
        at('etc/passwd'),
        at('proc/environ'),
        at('loop'),
      ],
      ...[at('pipe'), at('../elsewhere/secret'), path.join(folder, 'secret'), '/etc/passwd', '/etc/shadow'],
      ...['/proc/self/environ', '/proc/self/root/etc/passwd', '/dev/zero', '/dev/stdin'],
      ...[pathToFileURL(path.join(folder, 'secret')).href, `file://localhost${path.join(folder, 'secret')}`],
    ]
  }

  for (const [who, read] of Object.entries(readers))
    it(`is not read by ${who}, whichever of 40 paths leads there`, async () => {
      expect(new Set(paths())).to.have.length(40)
      for (const place of paths()) {
        const said = await read(place).then(
          (value) => `it was read: ${String(value)}`,
          (error: unknown) => messageOf(error),
        )
        expect(said, place)
          .not.to.contain('it was read')
          .and.not.to.contain(CANARY)
          .and.not.to.contain('root:x:')
        expect(said.length, place).to.be.greaterThan(10)
      }
    })

  it('differs from what lies inside, which the same readers give', async () => {
    const inside = path.join(root, 'inside')
    expect(await readers['the config provider of files']?.(inside)).to.equal('INSIDE')
    expect(await readers['the config provider of folders']?.(inside)).to.contain('INSIDE')
    expect(await readers['an image of a file']?.('inside')).to.contain('INSIDE')
    await readers['a model']?.(inside).then(
      () => expect.fail('that is no model'),
      (error: unknown) => expect(messageOf(error)).not.to.contain('There is no model'),
    )
  })

  it('is no variable of the environment that the provider does not allow', async () => {
    for (const name of ['SLUICE_TEST_OUTSIDE', 'PATH', 'NODE_OPTIONS', '__proto__', 'constructor'])
      await providers.resolve({ x: `\${env:${name}}` }, 'Connector c').then(
        ({ config }) => expect(config['x'], name).to.equal(`\${env:${name}}`),
        (error: unknown) => expect(messageOf(error)).to.contain('gives nothing').and.not.to.contain(CANARY),
      )
  })

  /** 40 URLs; all but the last few would reach a server of this test, if somebody asked. */
  const urls = (): string[] => {
    const [http, raw] = [port(server), port(bare)]
    const hosts = [
      ...[
        '127.0.0.1',
        'localhost',
        '[::1]',
        '127.1',
        '0',
        '0.0.0.0',
        '2130706433',
        '0x7f000001',
        '0177.0.0.1',
      ],
      ...[
        '[::ffff:127.0.0.1]',
        '[::ffff:7f00:1]',
        '[0:0:0:0:0:0:0:1]',
        '127.0.0.1.',
        'LOCALHOST',
        '①②⑦.⓪.⓪.①',
      ],
      ...['[64:ff9b::7f00:1]', 'allowed.test@127.0.0.1', 'allowed.test%40127.0.0.1', 'user:word@localhost'],
    ]
    return [
      ...hosts.map((host) => `http://${host}:${http}/secret`),
      `http://127.0.0.1:${http}/?allowed.test`,
      `http://127.0.0.1:${http}#@allowed.test/`,
      `http://127.0.0.1:${http}\\@allowed.test/`,
      `//127.0.0.1:${http}/`,
      `HTTP://127.0.0.1:${http}/`,
      `https://127.0.0.1:${raw}/`,
      `ftp://127.0.0.1:${raw}/`,
      `gopher://127.0.0.1:${raw}/_`,
      `ldap://127.0.0.1:${raw}/`,
      `ws://127.0.0.1:${raw}/`,
      'http://169.254.169.254/latest/meta-data/',
      'http://[::ffff:a9fe:a9fe]/',
      'http://metadata.google.internal/',
      'http://100.100.100.200/',
      'http://10.0.0.1/',
      'file:///etc/passwd',
      'file://127.0.0.1/etc/passwd',
      'data:text/plain,CANARY',
      'javascript:1',
      'node:fs',
      'unix:/var/run/docker.sock',
    ]
  }

  it('is not asked for a model, a config provider’s file or an image, whichever of 40 URLs names it', async () => {
    expect(new Set(urls())).to.have.length(40)
    const image = (location: string) =>
      fetchImage(location, {
        ...{ origins: ['http://allowed.test', `http://allowed.test:${port(server)}`], maxBytes: 1000 },
        ...{ timeoutMs: 2000, privateAddresses: false },
        resolve: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
      })
    const all = { ...readers, 'an image from the network': image }
    for (const url of urls())
      for (const [who, read] of Object.entries(all))
        await read(url).then(
          () => expect.fail(`${who} took ${url}`),
          (error: unknown) => expect(messageOf(error), url).not.to.contain(CANARY),
        )
    expect(hits).to.eql([])
  })

  it('would be noticed: a request to either server is counted', async () => {
    await fetch(`http://127.0.0.1:${port(server)}/counted`)
    await fetch(`http://127.0.0.1:${port(bare)}/`).catch(() => undefined)
    expect(hits).to.eql(['/counted', 'a connection'])
  })
})
