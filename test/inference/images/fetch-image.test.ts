import http, { type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import { DataError } from '../../../src/index.ts'
import { isPrivateAddress, isPublicAddress } from '../../../src/inference/images/addresses.ts'
import { fetchImage, type FetchRules } from '../../../src/inference/images/fetch-image.ts'

const servers: Server[] = []

/** A server on loopback; counts what it is asked. */
async function serve(listener: RequestListener): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = []
  const server = http.createServer((request, response) => {
    asked.push(`${request.headers.host ?? ''}${request.url ?? ''}`)
    listener(request, response)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, asked }
}

/** Rules under which the test's own server may be asked, by name. */
function rules(port: number, changes: Partial<FetchRules> = {}): FetchRules {
  return {
    origins: [`http://images.test:${port}`],
    maxBytes: 1000,
    timeoutMs: 2000,
    resolve: async () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
    privateAddresses: true,
    ...changes,
  }
}

async function rejection(location: string, with_: FetchRules): Promise<string> {
  const error: unknown = await fetchImage(location, with_).then(
    () => expect.fail(`${location} was fetched`),
    (caught: unknown) => caught,
  )
  expect(error, location).to.be.instanceOf(DataError)
  expect((error as DataError).code).to.equal('record.image')
  return (error as DataError).message
}

describe('images that are fetched', () => {
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections()
      server.close()
    }
  })

  it('come from an allowed origin, from the address that was vetted', async () => {
    const { port, asked } = await serve((_, response) => response.end('image'))
    const names: string[] = []
    const resolve: FetchRules['resolve'] = async (name) => {
      names.push(name)
      return Promise.resolve([{ address: names.length === 1 ? '127.0.0.1' : '127.0.0.9', family: 4 }])
    }
    const image = await fetchImage(`http://images.test:${port}/a?b`, rules(port, { resolve }))
    expect(image.toString()).to.equal('image')
    expect(names).to.deep.equal(['images.test'])
    expect(asked).to.deep.equal([`images.test:${port}/a?b`])
  })

  it('do not come from other origins, whatever the URL looks like', async () => {
    const { port, asked } = await serve((_, response) => response.end('image'))
    const allowed = `images.test:${port}`
    const urls = [
      ...[
        `https://${allowed}/`,
        `http://images.test/`,
        `http://images.test:1/`,
        `http://x.${allowed}/`,
        `http://${allowed}.x/`,
      ],
      ...[
        `http://${allowed}@127.0.0.1:${port}/`,
        `http://user:word@${allowed}/`,
        `http://127.0.0.1:${port}/${allowed}`,
      ],
      ...[
        `http://127.0.0.1:${port}#@${allowed}/`,
        `http://127.0.0.1:${port}\\@${allowed}/`,
        `http://localhost:${port}/`,
      ],
      ...[
        'http://2130706433/',
        'http://0x7f000001/',
        'http://0177.0.0.1/',
        'http://127.1/',
        'http://[::1]/',
        'http://0/',
      ],
      ...[
        'http://[::ffff:127.0.0.1]/',
        'http://169.254.169.254/latest',
        'http://[::ffff:a9fe:a9fe]/',
        'http://[fe80::1]/',
      ],
      ...[
        'ftp://images.test/',
        'file:///etc/passwd',
        'data:image/png;base64,AA',
        'gopher://images.test',
        'javascript:1',
      ],
      ...[
        '',
        'http:',
        'http://',
        '//images.test',
        'images.test',
        `http://images.test:${port}0/`,
        'http://images。test/',
      ],
    ]
    for (const url of urls) await rejection(url, rules(port))
    expect(urls.length).to.be.greaterThan(30)
    expect(asked).to.deep.equal([])
  })

  it('do not come from an address that is not public, by number or by name, alone or among public ones', async () => {
    const { port, asked } = await serve((_, response) => response.end('image'))
    const publicOnly = rules(port, {
      privateAddresses: false,
      origins: [`http://images.test:${port}`, `http://127.0.0.1:${port}`, `http://[::1]:${port}`],
    })
    for (const host of ['images.test', '127.0.0.1', '2130706433', '0x7f.1', '[::1]', '[0:0::1]']) {
      expect(await rejection(`http://${host}:${port}/`, publicOnly)).to.include('not a public one')
    }
    const mixed: FetchRules = {
      ...publicOnly,
      resolve: async () =>
        Promise.resolve([
          { address: '93.184.216.34', family: 4 },
          { address: '10.0.0.1', family: 4 },
        ]),
    }
    expect(await rejection(`http://images.test:${port}/`, mixed)).to.include('not a public one')
    const none: FetchRules = { ...publicOnly, resolve: async () => Promise.resolve([]) }
    expect(await rejection(`http://images.test:${port}/`, none)).to.include('not a public one')
    expect(asked).to.deep.equal([])
  })

  it('may come from a private address where that is allowed, but not from a link-local or mapped one', async () => {
    const { port, asked } = await serve((_, response) => response.end('image'))
    const origins = ['127.0.0.1', '169.254.169.254', '0.0.0.0', '[::ffff:7f00:1]', '[fe80::1]'].map(
      (host) => `http://${host}:${port}`,
    )
    const [loopback = '', ...others] = origins
    const inside = rules(port, { origins })
    expect((await fetchImage(`${loopback}/a`, inside)).toString()).to.equal('image')
    for (const origin of others) expect(await rejection(`${origin}/`, inside)).to.include('not a public one')
    expect(await rejection(`http://localhost:${port}/`, inside)).to.include('http.allowed.origins')
    expect(asked).to.deep.equal([`127.0.0.1:${port}/a`])
  })

  it('follow redirects, each checked like the first URL', async () => {
    const targets: Record<string, string> = {
      '/once': '/image',
      '/out': 'http://127.0.0.1/',
      '/file': 'file:///etc/passwd',
    }
    const { port, asked } = await serve((request, response) => {
      const target = request.url === '/loop' ? '/loop' : targets[request.url ?? '']
      if (target === undefined) response.end('image')
      else response.writeHead(302, { location: target }).end()
    })
    const at = (path: string) => `http://images.test:${port}${path}`
    expect((await fetchImage(at('/once'), rules(port))).toString()).to.equal('image')
    expect(await rejection(at('/out'), rules(port))).to.include('http.allowed.origins')
    expect(await rejection(at('/file'), rules(port))).to.include('not an http')
    asked.length = 0
    expect(await rejection(at('/loop'), rules(port))).to.include('more than 3 times')
    expect(asked).to.have.length(4)
    // A name that is public at first and private after the redirect.
    let answers = 0
    const rebinding = rules(port, {
      resolve: async () =>
        Promise.resolve([{ address: ++answers === 1 ? '127.0.0.1' : '169.254.169.254', family: 4 }]),
    })
    expect(await rejection(at('/once'), rebinding)).to.include('not a public one')
  })

  it('fail where the answer is not an image: 404, 500, a redirect to nowhere, a dead server', async () => {
    const { port } = await serve((request, response) => {
      response.writeHead(request.url === '/500' ? 500 : request.url === '/304' ? 304 : 404).end('x')
    })
    for (const status of [404, 500, 304]) {
      expect(await rejection(`http://images.test:${port}/${status}`, rules(port))).to.include(String(status))
    }
    expect(await rejection('http://images.test:1/', rules(1))).to.include('cannot be fetched')
    const failing = rules(port, { resolve: async () => Promise.reject(new Error('ENOTFOUND')) })
    expect(await rejection(`http://images.test:${port}/`, failing)).to.include('ENOTFOUND')
  })

  it('fail where they are too large, whether that is said before or not', async () => {
    const { port } = await serve((request, response) => {
      if (request.url === '/said') response.writeHead(200, { 'content-length': 50 * 2 ** 20 }).write('x')
      else {
        const more = () => response.write(Buffer.alloc(4096)) && !response.destroyed && setImmediate(more)
        response.on('drain', more)
        more()
      }
    })
    for (const path of ['said', 'endless']) {
      expect(await rejection(`http://images.test:${port}/${path}`, rules(port))).to.include(
        'more than 1000 bytes',
      )
    }
  })

  it('fail at the time limit: a silent server, one that drips, a resolver that hangs', async () => {
    const { port } = await serve((request, response) => {
      if (request.url !== '/drip') return
      const timer = setInterval(() => response.write('x'), 20)
      response.on('close', () => clearInterval(timer))
    })
    const short = rules(port, { timeoutMs: 150 })
    for (const path of ['silent', 'drip']) {
      expect(await rejection(`http://images.test:${port}/${path}`, short)).to.include('within 150 ms')
    }
    const hanging: FetchRules = { ...short, resolve: () => new Promise(() => undefined) }
    expect(await rejection(`http://images.test:${port}/`, hanging)).to.include('within 150 ms')
  })
})

describe('public addresses', () => {
  it('are those of the internet', () => {
    for (const address of ['93.184.216.34', '1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700:4700::1111']) {
      expect(isPublicAddress(address), address).to.equal(true)
    }
  })

  it('are not those of loopback, private, link-local, shared, mapped, translated, reserved or multicast networks', () => {
    const refused = [
      ...[
        '0.0.0.0',
        '10.1.2.3',
        '100.64.0.1',
        '127.0.0.1',
        '127.255.255.254',
        '169.254.169.254',
        '172.16.0.1',
        '172.31.255.255',
      ],
      ...['192.0.0.8', '192.168.1.1', '198.18.0.1', '203.0.113.7', '224.0.0.1', '255.255.255.255'],
      ...[
        '::',
        '::1',
        '::ffff:127.0.0.1',
        '::ffff:93.184.216.34',
        '::ffff:a9fe:a9fe',
        '64:ff9b::7f00:1',
        '64:ff9b:1::1',
      ],
      ...[
        'fc00::1',
        'fd12:3456::1',
        'fe80::1',
        'fe80::1%eth0',
        'ff02::1',
        '2002:7f00:1::',
        '2001:0:1::1',
        '2001:db8::1',
      ],
      ...['', 'localhost', '1.2.3', '::g'],
    ]
    for (const address of refused) expect(isPublicAddress(address), address).to.equal(false)
  })

  it('are private where companies use them within their walls', () => {
    for (const address of [
      '10.1.2.3',
      '100.64.0.1',
      '127.0.0.1',
      '172.31.0.1',
      '192.168.1.1',
      '::1',
      'fd12::1',
    ])
      expect(isPrivateAddress(address), address).to.equal(true)
    for (const address of [
      ...['1.1.1.1', '0.0.0.0', '169.254.169.254', '172.32.0.1', '224.0.0.1', '255.255.255.255', 'localhost'],
      ...[
        '::',
        '::ffff:10.0.0.1',
        '64:ff9b::a00:1',
        'fe80::1',
        'fe80::1%eth0',
        'ff02::1',
        '2606:4700::1',
        '',
      ],
    ])
      expect(isPrivateAddress(address), address).to.equal(false)
  })
})
