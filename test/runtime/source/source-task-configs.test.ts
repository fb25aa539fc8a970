import { expect } from 'chai'
import { describe, it } from 'mocha'
import { sourceTaskConfigs } from '../../../src/runtime/source/source-task-configs.ts'

const CONFIG = { name: 'a', 'connector.class': 'FileStreamSource', topic: 'out', 'tasks.max': '5' }

describe('the task configs of a source', () => {
  it('are the connector’s own, with what its plugin adds and the class of the task', async () => {
    const config = { ...CONFIG, file: '/tmp/f' }
    expect(await sourceTaskConfigs(config, config)).to.deep.equal([
      { ...config, 'task.class': 'org.apache.kafka.connect.file.FileStreamSourceTask' },
    ])
  })

  it('keep references to config providers, whose values the plugin is given', async () => {
    const config = { ...CONFIG, file: '${file:/secret:path}' }
    const tasks = await sourceTaskConfigs(config, { ...config, file: '/tmp/secret' })
    expect(tasks[0]).to.include({ file: '${file:/secret:path}' })
    expect(JSON.stringify(tasks)).not.to.contain('/tmp/secret')
  })

  it('are no sink’s', async () => {
    const config = { ...CONFIG, 'connector.class': 'TopicSink' }
    const error: unknown = await sourceTaskConfigs(config, config).catch((each: unknown) => each)
    expect(String(error)).to.contain('TopicSink is no source')
  })
})
