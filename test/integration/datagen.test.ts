import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { eventually, uniqueName } from '../support/eventually.ts'
import { type PackageFolder, startPackageFolder } from '../support/package-folder.ts'
import { codeBlock } from '../support/pages.ts'
import { taskHostsOf } from '../support/process-tree.ts'
import { REPOSITORY } from '../support/process.ts'
import { call, untilTasks } from '../support/sluice-dev.ts'
import { readTopic } from '../support/topics.ts'
import { commandsOf } from '../support/typed-commands.ts'
import { annotated, schemaOf } from '../connectors/datagen/support.ts'

const [MAKE = '', SCORE = '', CONSUME = ''] = commandsOf(codeBlock('docs/datagen.md', 'curl -s -X POST'))
const CONFIGS = ['datagen-flights', 'flight-delay', 'datagen-sensors', 'datagen-iris']

describe('Datagen in sluice dev', function () {
  this.timeout(150_000)
  let home: PackageFolder
  const id = uniqueName('made')
  /** The topics of the page, by names that no other test has. */
  const own = (text: string) =>
    text
      .replaceAll('flight-delays', `${id}-delays`)
      .replaceAll(/"(flights|sensors|iris)"/g, (topic, name: string) =>
        name === 'flights' ? `"${id}"` : topic,
      )

  before(async () => {
    home = await startPackageFolder([], [])
    for (const name of CONFIGS) {
      const file = `config/connectors/${name}.json`
      const text = await readFile(path.join(REPOSITORY, file), 'utf8')
      // a quickstart keeps its name
      await home.put(
        `node_modules/sluice/${file}`,
        own(text).replace(`"quickstart": "${id}"`, '"quickstart": "flights"'),
      )
    }
    await home.run('ln -s node_modules/sluice/models models')
  })
  after(() => home.stop())

  const post = (name: string) => MAKE.replace('datagen-flights.json', `${name}.json`)

  it('makes flights that another connector scores, by the commands of the page', async () => {
    expect(await home.run(MAKE)).to.contain('"type":"source"')
    // A sink whose topic is not there yet waits for it; the command reads on until there are three.
    expect(await home.run(SCORE)).to.contain('"name":"flight-delay"')
    const lines = (await home.run(own(CONSUME))).trim().split('\n')
    expect(lines).to.have.lengthOf(3)
    for (const line of lines) {
      const { Year, prediction, p_NO, p_YES } = JSON.parse(line) as Record<string, unknown>
      expect(Year).to.equal(2013)
      expect(prediction).to.be.oneOf(['YES', 'NO'])
      expect(Number(p_NO) + Number(p_YES)).to.be.closeTo(1, 1e-9)
    }
    await untilTasks(home.dev.rest, 'datagen-flights', 'RUNNING')
  })

  it('registers the schema of flights as it is, without annotations', async () => {
    const { body } = await call(home.dev.schemaRegistry, 'GET', `/subjects/${id}-value/versions/latest`)
    const plain = await readFile(path.join(REPOSITORY, 'schemas/flight.avsc'), 'utf8')
    expect(JSON.parse((body as { schema: string }).schema)).to.deep.equal(JSON.parse(plain))
  })

  it('makes readings and irises that are scored on their way into the topic', async () => {
    for (const [name, topic, field] of [
      ['datagen-sensors', 'sensors', 'is_anomaly'],
      ['datagen-iris', 'iris', 'p_setosa'],
    ] as const) {
      expect(await home.run(post(name)), name).to.contain('"type":"source"')
      const [line = ''] = (await home.run(`npx sluice consume ${topic} --from-beginning --max 1`)).split('\n')
      expect(JSON.parse(line) as object, name).to.have.property(field)
    }
  })

  it('makes each record once or again, and none anew, when its host is killed', async () => {
    const [topic, name] = [uniqueName('counted'), uniqueName('counted')]
    const schema = schemaOf({ n: annotated('int', { iteration: { start: 0 } }), x: 'double' })
    const config = {
      ...{ 'connector.class': 'io.confluent.kafka.connect.datagen.DatagenConnector', 'kafka.topic': topic },
      ...{ 'schema.string': schema, iterations: '60000', rate: '15000', 'random.seed': '11' },
      ...{ 'value.converter': 'JsonConverter', 'value.converter.schemas.enable': 'false' },
      ...{ 'topic.creation.default.partitions': '1', 'topic.creation.default.replication.factor': '1' },
    }
    const { rest, bootstrapServers, process: dev } = home.dev
    const created = await call(rest, 'PUT', `/connectors/${name}/config`, config)
    expect(created.status, JSON.stringify(created.body)).to.equal(201)
    const read = async () => {
      const messages = await readTopic(bootstrapServers, topic)
      return messages.map(({ value }) => JSON.parse(String(value)) as { n: number; x: number })
    }
    await eventually(async () => (await read()).length > 0, { timeoutMs: 60_000 })
    for (const { pid } of taskHostsOf(dev.pid)) process.kill(pid, 'SIGKILL')
    const records = await eventually(
      async () => {
        const found = await read()
        return new Set(found.map(({ n }) => n)).size === 60_000 ? found : null
      },
      { timeoutMs: 90_000, everyMs: 500 },
    )
    expect(new Set(records.map(({ n, x }) => `${n}: ${x}`)).size, 'the same again').to.equal(60_000)
    expect(records.at(-1)?.n).to.equal(59_999)
    await untilTasks(rest, name, 'RUNNING')
  })

  it('refuses a schema by the name of its field, and a quickstart that is not there', async () => {
    const refusal = async (config: Record<string, string>) => {
      const whole = { 'connector.class': 'Datagen', 'kafka.topic': 't', ...config }
      const { status, body } = await call(home.dev.rest, 'POST', '/connectors', { name: 'no', config: whole })
      expect(status).to.equal(400)
      return (body as { message: string }).message
    }
    const schema = schemaOf({ a: annotated('int', { rang: { max: 1 } }) })
    expect(await refusal({ 'schema.string': schema }))
      .to.contain('Field "a" has "rang"')
      .and.contain('schema.string')
    expect(await refusal({ quickstart: 'users' })).to.contain('flights, iris, sensors')
  })
})
