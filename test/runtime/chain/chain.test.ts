import { expect } from 'chai'
import { describe, it } from 'mocha'
import { ConfigError, type Models, ModelError, SILENT, TaskError } from '../../../src/index.ts'
import { TransformChain } from '../../../src/runtime/chain/chain.ts'

const NO_MODELS: Models = { load: (name) => Promise.reject(new ModelError('model.missing', `no ${name}`)) }

const CONFIG = {
  name: 'c',
  'connector.class': 'TopicSink',
  transforms: 'score',
  'transforms.score.type': 'ScoreH2OGbm$Value',
}

async function openingError(config: Record<string, string>): Promise<unknown> {
  return TransformChain.open(config, NO_MODELS, SILENT).then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('opening a chain of transforms', () => {
  it('names the alias whose model is missing', async () => {
    const error = await openingError({ ...CONFIG, 'transforms.score.model': 'none' })
    expect(error).to.be.instanceOf(TaskError)
    expect(error).to.include({ configPath: 'transforms.score.model', code: 'model.missing' })
    expect(String(error)).to.contain('no none')
  })

  it('names the full key that is missing', async () => {
    const error = await openingError(CONFIG)
    expect(error).to.be.instanceOf(ConfigError)
    expect((error as ConfigError).problems.map((p) => p.path)).to.deep.equal(['transforms.score.model'])
  })

  it('refuses a class that is not in the list, whatever it looks like', async () => {
    for (const type of [
      'ScoreH2OGbm',
      'ScoreH2OGbm$Both',
      '../../evil$Value',
      'node:child_process$Value',
      '__proto__$Value',
      'constructor$Value',
    ]) {
      const error = await openingError({ ...CONFIG, 'transforms.score.type': type })
      expect(error, type).to.include({ code: 'plugin.unknown' })
    }
  })
})
