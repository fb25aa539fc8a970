import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { eventually, uniqueName } from '../support/eventually.ts'
import { call, type SluiceDev, startSluiceDev } from '../support/sluice-dev.ts'
import { countRecords, fillTopic, readTopic } from '../support/topics.ts'

const APACHE = 'org.apache.kafka.connect.transforms'

describe('a configuration with Apache’s transforms and predicates', function () {
  this.timeout(120_000)
  let sluice: SluiceDev

  before(async () => {
    sluice = await startSluiceDev()
  })

  after(() => sluice.stop())

  it('runs as it was posted to Kafka Connect: rows are dropped, masked, renamed, keyed and routed', async () => {
    const source = uniqueName('dev-orders')
    const target = `live-${source.slice('dev-'.length)}`
    const order = (id: number) => ({ id, card: '4111', secret: 'x', at: 1_199_318_400_000 + id })
    await fillTopic(sluice.bootstrapServers, source, 1, [
      { key: null, value: Buffer.from(JSON.stringify(order(1))) },
      { key: 'a', value: null },
      { key: null, value: Buffer.from(JSON.stringify(order(2))), headers: { trace: 't', old: 'o' } },
    ])
    const config = {
      'connector.class': 'TopicSink',
      topics: source,
      'target.topic': '${topic}',
      'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'key.converter.schemas.enable': 'false',
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'value.converter.schemas.enable': 'false',
      'errors.tolerance': 'none',
      transforms: 'tombstones,mask,names,time,key,mark,headers,route',
      'transforms.tombstones.type': `${APACHE}.Filter`,
      'transforms.tombstones.predicate': 'isTombstone',
      'transforms.mask.type': `${APACHE}.MaskField$Value`,
      'transforms.mask.fields': 'card',
      'transforms.mask.replacement': '****',
      'transforms.names.type': `${APACHE}.ReplaceField$Value`,
      'transforms.names.exclude': 'secret',
      'transforms.names.renames': 'id:order',
      'transforms.time.type': `${APACHE}.TimestampConverter$Value`,
      'transforms.time.field': 'at',
      'transforms.time.target.type': 'string',
      'transforms.time.format': 'yyyy-MM-dd HH:mm:ss.SSS',
      'transforms.key.type': `${APACHE}.ValueToKey`,
      'transforms.key.fields': 'order',
      'transforms.mark.type': `${APACHE}.InsertHeader`,
      'transforms.mark.header': 'untraced',
      'transforms.mark.value.literal': '1.50',
      'transforms.mark.predicate': 'traced',
      'transforms.mark.negate': 'true',
      'transforms.headers.type': `${APACHE}.DropHeaders`,
      'transforms.headers.headers': 'old',
      'transforms.route.type': `${APACHE}.RegexRouter`,
      'transforms.route.regex': 'dev-(.*)',
      'transforms.route.replacement': 'live-$1',
      predicates: 'isTombstone,traced',
      'predicates.isTombstone.type': `${APACHE}.predicates.RecordIsTombstone`,
      'predicates.traced.type': `${APACHE}.predicates.HasHeaderKey`,
      'predicates.traced.name': 'trace',
    }
    const refused = await call(sluice.rest, 'POST', '/connectors', {
      name: uniqueName('c'),
      config: { ...config, predicates: 'traced' },
    })
    expect(refused.status).to.equal(400)
    expect(JSON.stringify(refused.body)).to.contain('transforms.tombstones.predicate')

    const created = await call(sluice.rest, 'POST', '/connectors', { name: uniqueName('c'), config })
    expect(created.status, JSON.stringify(created.body)).to.equal(201)
    await eventually(
      async () => {
        expect(await countRecords(sluice.bootstrapServers, target)).to.equal(2)
        return true
      },
      { timeoutMs: 60_000 },
    )
    const messages = await readTopic(sluice.bootstrapServers, target)
    const seen = messages.map(({ key, value, headers = {} }) => ({
      key: key?.toString(),
      value: JSON.parse(value?.toString() ?? 'null') as unknown,
      headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, String(text)])),
    }))
    expect(seen).to.deep.equal([
      {
        key: '{"order":1}',
        value: { order: 1, card: '****', at: '2008-01-03 00:00:00.001' },
        headers: { untraced: '1.5' },
      },
      {
        key: '{"order":2}',
        value: { order: 2, card: '****', at: '2008-01-03 00:00:00.002' },
        headers: { trace: 't' },
      },
    ])
  })
})
