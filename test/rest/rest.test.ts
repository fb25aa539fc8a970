import { expect } from 'chai'
import { describe, it } from 'mocha'
import { eventually } from '../support/eventually.ts'
import { CONFIG, expectError, messageOf, restApi } from './rest-api.ts'

describe('the REST API', () => {
  const api = restApi()
  const { call, create } = api

  it('says who it is and how it is', async () => {
    const root = await call('GET', '/')
    expect(root.body).to.have.all.keys('version', 'commit', 'kafka_cluster_id')
    expect((root.body as { version: string }).version).to.match(/^4\.3\./)
    expect(await call('GET', '/health')).to.deep.include({
      code: 200,
      body: {
        status: 'healthy',
        message: 'Worker has completed startup and is ready to handle requests.',
      },
    })
  })

  it('answers while it starts: 503', async () => {
    api.show(undefined)
    try {
      const health = await call('GET', '/health')
      expect(health.code).to.equal(503)
      expect((health.body as { status: string }).status).to.equal('starting')
      expectError(await call('GET', '/connectors'), 503)
    } finally {
      api.show(api.worker)
    }
  })

  it('creates a connector: 201, its location, no tasks yet; values become strings, the name is trimmed', async () => {
    const answer = await call('POST', '/connectors', {
      name: '  a b ',
      config: { ...CONFIG, 'tasks.max': 1, flag: true },
      initial_state: 'paused',
    })
    expect(answer.code).to.equal(201)
    expect(answer.headers.get('location')).to.equal(`http://127.0.0.1:${api.port}/connectors/a%20b`)
    expect(answer.body).to.deep.equal({
      name: 'a b',
      config: { ...CONFIG, flag: 'true', name: 'a b' },
      tasks: [],
      type: 'sink',
    })
    expect((await call('GET', '/connectors/a%20b')).code).to.equal(200)
    await eventually(async () => {
      const { body } = await call('GET', '/connectors/a%20b/status')
      expect(body).to.have.nested.property('connector.state', 'PAUSED')
      return true
    })
  })

  it('keeps numbers as they were written', async () => {
    const answer = await call(
      'POST',
      '/connectors',
      `{"name":"n","config":{"connector.class":"TopicSink","topics":"in","target.topic":"out","x":12345678901234567890,"y":1.0}}`,
    )
    expect((answer.body as { config: object }).config).to.deep.include({
      x: '12345678901234567890',
      y: '1.0',
    })
  })

  it('makes one of many simultaneous creations; the others get 409', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => create('a')))
    expect(answers.filter(({ code }) => code === 201)).to.have.lengthOf(1)
    for (const answer of answers.filter(({ code }) => code !== 201)) expectError(answer, 409)
    expect(messageOf(answers.find(({ code }) => code === 409)!)).to.equal('Connector a already exists')
  })

  it('shows a connector in every way Kafka Connect does', async () => {
    await create('a')
    const status = await eventually(async () => {
      const { body } = await call('GET', '/connectors/a/status/')
      return (body as { tasks?: { state: string }[] }).tasks?.[0]?.state === 'RUNNING' && body
    })
    const version = '0.1.0'
    const running = { state: 'RUNNING', worker_id: '127.0.0.1:1', version }
    expect(status).to.deep.equal({
      name: 'a',
      connector: running,
      tasks: [{ id: 0, ...running }],
      type: 'sink',
    })
    const info = (await call('GET', '/connectors/a')).body
    expect(info).to.deep.include({ tasks: [{ connector: 'a', task: 0 }], type: 'sink' })
    expect((await call('GET', '/connectors/a/config/')).body).to.deep.equal({ ...CONFIG, name: 'a' })
    expect((await call('GET', '/connectors/a/tasks')).body).to.deep.equal([
      { id: { connector: 'a', task: 0 }, config: { ...CONFIG, name: 'a', 'task.class': 'TopicSinkTask' } },
    ])
    expect((await call('GET', '/connectors/a/tasks/0/status')).body).to.deep.equal({ id: 0, ...running })
    expect((await call('GET', '/connectors/')).body).to.deep.equal(['a'])
    expect((await call('GET', '/connectors?expand=status&expand=info&expand=x')).body).to.deep.equal({
      a: { status, info },
    })
    expect((await call('GET', '/connectors?expand=x')).body).to.deep.equal({ a: {} })
  })

  it('replaces a configuration: 201 when new, 200 later', async () => {
    const created = await call('PUT', '/connectors/a/config', CONFIG)
    expect(created.code).to.equal(201)
    expect(created.headers.get('location')).to.match(/\/connectors\/a$/)
    const updated = await call('PUT', '/connectors/a/config', { ...CONFIG, 'tasks.max': 2 })
    expect(updated.code).to.equal(200)
    const patched = await call('PATCH', '/connectors/a/config', { 'tasks.max': null, x: 1 })
    expect((patched.body as { config: object }).config).to.deep.equal({
      'connector.class': 'TopicSink',
      topics: 'in',
      'target.topic': 'out',
      x: '1',
      name: 'a',
    })
  })

  it('pauses, resumes, stops, restarts, deletes with Kafka Connect’s codes', async () => {
    await create('a')
    await eventually(async () => (await call('GET', '/connectors/a/tasks/0/status')).code === 200)
    const codes = [
      await call('PUT', '/connectors/a/pause'),
      await call('PUT', '/connectors/a/resume'),
      await call('POST', '/connectors/a/restart'),
      await call('POST', '/connectors/a/restart?includeTasks=true&onlyFailed=false'),
      await call('POST', '/connectors/a/tasks/0/restart'),
      await call('PUT', '/connectors/a/stop'),
      await call('DELETE', '/connectors/a'),
    ]
    expect(codes.map(({ code }) => code)).to.deep.equal([202, 202, 204, 202, 204, 204, 204])
    expect(codes[3]?.body).to.have.nested.property('connector.state', 'RESTARTING')
  })

  it('lists plugins: sinks, sources, transformations, predicates, converters; connectors alone unless asked otherwise', async () => {
    expect((await call('GET', '/connector-plugins')).body).to.deep.equal([
      { class: 'TopicSink', type: 'sink', version: '0.1.0' },
      { class: 'FileStreamSink', type: 'sink', version: '0.1.0' },
      { class: 'FileStreamSource', type: 'source', version: '0.1.0' },
      { class: 'Datagen', type: 'source', version: '0.1.0' },
    ])
    const all = (await call('GET', '/connector-plugins?connectorsOnly=false')).body as {
      type: string
      class: string
    }[]
    // Packages that other tests of this process load may bring formats of models.
    const kinds = new Set(all.map(({ type }) => type).filter((type) => type !== 'model_format'))
    expect([...kinds]).to.deep.equal([
      ...['sink', 'source', 'transformation', 'predicate', 'converter', 'header_converter'],
    ])
    expect(all.map((plugin) => plugin.class))
      .to.include('ScoreH2OGbm$Value')
      .and.to.include('AvroConverter')
      .and.to.include('HasHeaderKey')
  })

  it('shows the keys of every plugin', async () => {
    const all = (await call('GET', '/connector-plugins?connectorsOnly=false')).body as { class: string }[]
    for (const plugin of all) {
      const answer = await call('GET', `/connector-plugins/${encodeURIComponent(plugin.class)}/config`)
      expect(answer.code, plugin.class).to.equal(200)
      for (const info of answer.body as object[])
        expect(info).to.have.all.keys(
          ...['name', 'type', 'required', 'default_value', 'importance', 'documentation', 'group'],
          ...['order_in_group', 'width', 'display_name', 'dependents'],
        )
    }
  })

  it('validates: 200 with ConfigInfos, errors at their keys, also those that a task host finds', async () => {
    const path = '/connector-plugins/TopicSink/config/validate'
    const answer = await call('PUT', path, {
      ...CONFIG,
      name: 'a',
      'tasks.max': 'x',
      transforms: 's',
      'transforms.s.type': 'ScoreH2OGbm$Value',
    })
    expect(answer.code).to.equal(200)
    const infos = answer.body as {
      error_count: number
      groups: string[]
      configs: { definition: { group: string } | null; value: { name: string; errors: string[] } }[]
    }
    const wrong = infos.configs.filter(({ value }) => value.errors.length > 0).map(({ value }) => value.name)
    expect(infos.error_count).to.equal(3) // two of tasks.max, as in Kafka Connect
    expect(wrong).to.have.members(['tasks.max', 'transforms.s.model'])
    expect(infos.groups).to.include.members([
      'Common',
      'Transforms',
      'Error Handling',
      'Transforms: s',
      'Target',
    ])
    const deep = await call('PUT', path, { ...CONFIG, name: 'a', 'target.topic': 'deep' })
    expect(JSON.stringify(deep.body)).to.contain('found by a host')
    expectError(await call('PUT', path, { ...CONFIG, 'connector.class': 'Other' }), 400)
  })
})
