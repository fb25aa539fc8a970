import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import http, { type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { eventually, uniqueName } from '../support/eventually.ts'
import { call, type SluiceDev, startSluiceDev, untilTasks } from '../support/sluice-dev.ts'
import { countRecords, fillTopic, readTopic } from '../support/topics.ts'

const PHOTO = path.resolve(import.meta.dirname, '../fixtures/images/coffee.jpg')
const METADATA = 'http://169.254.169.254'
const servers: Server[] = []

async function serve(listener: RequestListener): Promise<string> {
  const server = http.createServer(listener)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('LabelImage in a connector whose records say where their pictures are', function () {
  this.timeout(120_000)
  const secrets: string[] = []
  let folder = ''
  let images = ''
  let origin = ''
  let secret = ''
  let dev: SluiceDev

  const answers: Readonly<Record<string, RequestListener>> = {
    '/photo.jpg': (_, response) => response.writeHead(302, { location: '/moved.jpg' }).end(),
    '/moved.jpg': (_, response) => response.end(readFileSync(PHOTO)),
    '/slow': () => undefined,
    '/drip': (_, response) => {
      const timer = setInterval(() => response.write('x'), 20)
      response.on('close', () => clearInterval(timer))
    },
    '/to-secret': (_, response) => response.writeHead(302, { location: `${secret}/key` }).end(),
    '/to-metadata': (_, response) => response.writeHead(302, { location: `${METADATA}/latest` }).end(),
    '/to-file': (_, response) => response.writeHead(302, { location: 'file:///etc/hostname' }).end(),
    '/loop': (_, response) => response.writeHead(302, { location: '/loop' }).end(),
    '/50-mb': (_, response) => response.writeHead(200, { 'content-length': 50 * 2 ** 20 }).write('x'),
    '/endless': (_, response) => {
      const more = () => response.write(Buffer.alloc(65_536)) && !response.destroyed && setImmediate(more)
      response.on('drain', more)
      more()
    },
    '/text': (_, response) => response.writeHead(200, { 'content-type': 'image/jpeg' }).end('no image'),
  }

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-locations-'))
    images = path.join(folder, 'images')
    await mkdir(path.join(images, 'inner'), { recursive: true })
    await mkdir(path.join(folder, 'images2'))
    for (const name of ['images/inner/photo.jpg', 'images2/photo.jpg', 'secret.jpg'])
      await cp(PHOTO, path.join(folder, name))
    await symlink('../secret.jpg', path.join(images, 'link.jpg'))
    await writeFile(path.join(images, 'text.jpg'), 'no image')
    execFileSync('mkfifo', [path.join(images, 'pipe.jpg')])
    secret = await serve((request, response) => {
      secrets.push(request.url ?? '')
      response.end('secret')
    })
    origin = await serve((request, response) => {
      const answer = answers[request.url ?? '']
      if (answer === undefined) response.writeHead(404).end()
      else answer(request, response)
    })
    dev = await startSluiceDev({
      CONNECT_IMAGES_ALLOWED_DIRS: images,
      CONNECT_IMAGES_ALLOWED_ORIGINS: `${origin},${METADATA}`,
      CONNECT_IMAGES_PRIVATE_ADDRESSES: 'true',
    })
  })
  after(async () => {
    await dev.stop()
    for (const server of servers.splice(0)) {
      server.closeAllConnections()
      server.close()
    }
    await rm(folder, { recursive: true })
  })

  function configOf(more: Readonly<Record<string, string>>): Record<string, string> {
    return {
      'connector.class': 'TopicSink',
      topics: uniqueName('locations'),
      'target.topic': uniqueName('labels'),
      'key.converter': 'StringConverter',
      'value.converter': 'StringConverter',
      transforms: 'label,format',
      'transforms.label.type': 'LabelImage$Value',
      'transforms.label.model': 'efficientnet-lite0',
      'transforms.label.http.timeout.ms': '500',
      'transforms.label.max.bytes': String(2 ** 20),
      'transforms.format.type': 'FormatString$Value',
      'transforms.format.template': '${label}',
      'errors.tolerance': 'all',
      'errors.deadletterqueue.topic.name': uniqueName('dead'),
      'errors.deadletterqueue.topic.replication.factor': '1',
      'errors.deadletterqueue.context.headers.enable': 'true',
      ...more,
    }
  }

  it('reads what is allowed; all else becomes a dead letter in its time, and nothing else is asked', async () => {
    const { bootstrapServers, rest } = dev
    const config = configOf({
      'transforms.label.file.root': path.join(images),
      'transforms.label.http.allowed.origins': `${origin},${METADATA}`,
    })
    const good = ['inner/photo.jpg', `file://${images}/inner/photo.jpg`, `${origin}/photo.jpg`]
    const bad: readonly (readonly [string, RegExp])[] = [
      [`${origin}/nothing`, /status 404/],
      [`${origin}/slow`, /within 500 ms/],
      [`${origin}/drip`, /within 500 ms/],
      [`${origin}/to-secret`, /not in http\.allowed\.origins/],
      [`${origin}/to-metadata`, /not a public one/],
      [`${origin}/to-file`, /not an http or https URL/],
      [`${origin}/loop`, /more than 3 times/],
      [`${origin}/50-mb`, /more than 1048576 bytes/],
      [`${origin}/endless`, /more than 1048576 bytes/],
      [`${origin}/text`, /JPEG, PNG and WebP/],
      [`${secret}/key`, /not in http\.allowed\.origins/],
      [`${METADATA}/latest/meta-data`, /not a public one/],
      ...[
        'nothing.jpg',
        '../secret.jpg',
        '../images2/photo.jpg',
        `${images}2/photo.jpg`,
        'link.jpg',
        'pipe.jpg',
        'inner',
      ].map((location) => [location, /no file below file\.root/] as const),
      ...[
        '%2e%2e/secret.jpg',
        `file://${images}/%2e%2e/secret.jpg`,
        'inner/photo.jpg\0.jpg',
        '/etc/hostname',
      ].map((location) => [location, /no file below file\.root/] as const),
      ['text.jpg', /JPEG, PNG and WebP/],
    ]
    const locations = [...good, ...bad.map(([location]) => location)]
    const records = locations.map((location, i) => ({ key: String(i), value: Buffer.from(location) }))
    const [source = '', target = '', dead = ''] = [
      config['topics'],
      config['target.topic'],
      config['errors.deadletterqueue.topic.name'],
    ]
    await fillTopic(bootstrapServers, source, 1, records)
    const name = uniqueName('locations')
    const created = await call(rest, 'POST', '/connectors', { name, config })
    expect(created.status, JSON.stringify(created.body)).to.equal(201)
    await untilTasks(rest, name, 'RUNNING')
    await eventually(async () => (await countRecords(bootstrapServers, dead)) === bad.length, {
      timeoutMs: 60_000,
    })
    await eventually(async () => (await countRecords(bootstrapServers, target)) === good.length)
    const labels = await readTopic(bootstrapServers, target)
    expect(labels.map(({ value }) => value?.toString())).to.deep.equal(good.map(() => 'espresso'))
    const letters = await readTopic(bootstrapServers, dead)
    expect(letters.map(({ value }) => value?.toString())).to.deep.equal(bad.map(([location]) => location))
    letters.forEach(({ headers }, i) =>
      expect(String(headers?.['__connect.errors.exception.message']), bad[i]?.[0]).to.match(
        bad[i]?.[1] ?? /^$/,
      ),
    )
    expect(secrets).to.deep.equal([])
    await call(rest, 'DELETE', `/connectors/${name}`)
  })

  it('is refused with 400 by the name of the key where the worker does not allow its locations', async () => {
    for (const [key, value, setting] of [
      ['file.root', folder, 'images.allowed.dirs'],
      ['file.root', `${images}2`, 'images.allowed.dirs'],
      ['file.root', `${images}/..`, 'images.allowed.dirs'],
      ['file.root', `${images}/link.jpg`, 'images.allowed.dirs'],
      ['http.allowed.origins', `${origin},${secret}`, 'images.allowed.origins'],
      ['http.allowed.origins', 'https://example.com', 'images.allowed.origins'],
    ] as const) {
      const config = configOf({ [`transforms.label.${key}`]: value })
      const refused = await call(dev.rest, 'POST', '/connectors', { name: uniqueName('refused'), config })
      expect(refused.status, value).to.equal(400)
      const { message } = refused.body as { message: string }
      expect(message, value).to.include(`transforms.label.${key}`)
      expect(message, value).to.include(`${setting} in the settings of the worker`)
      const route = '/connector-plugins/TopicSink/config/validate'
      const checked = await call(dev.rest, 'PUT', route, { name: 'x', ...config })
      const { configs } = checked.body as { configs: { value: { name: string; errors: string[] } }[] }
      const wrong = configs.filter(({ value: each }) => each.errors.length > 0)
      expect(
        wrong.map(({ value: each }) => each.name),
        value,
      ).to.deep.equal([`transforms.label.${key}`])
    }
  })
})
