import { expect } from 'chai'
import { describe, it } from 'mocha'
import path from 'node:path'
import { ModelStore } from '../../src/inference/model-store.ts'
import { ConfigError, type Models, ModelError, SILENT, TaskError } from '../../src/index.ts'
import { TransformChain } from '../../src/runtime/chain.ts'

const NO_MODELS: Models = { load: (name) => Promise.reject(new ModelError('model.missing', `no ${name}`)) }

const CONFIG = {
  name: 'c',
  'connector.class': 'TopicSink',
  transforms: 'score',
  'transforms.score.type': 'ScoreH2OGbm$Value',
}

async function openingError(config: Record<string, string>, models = NO_MODELS): Promise<unknown> {
  return TransformChain.open(config, models, SILENT).then(
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

  it('refuses two transforms in a row that add the same fields to the same side', async () => {
    const models = new ModelStore({
      modelsDir: path.resolve(import.meta.dirname, '../../models'),
      allowedDirs: [],
    })
    const twice = {
      ...CONFIG,
      transforms: 'score,again',
      'transforms.score.model': 'airline-delay',
      'transforms.again.type': 'ScoreH2OGbm$Value',
      'transforms.again.model': 'airline-delay',
    }
    const error = await openingError(twice, models)
    expect(error).to.be.instanceOf(ConfigError)
    const [problem, ...more] = (error as ConfigError).problems
    expect(more).to.deep.equal([])
    expect(problem?.path).to.equal('transforms.again.type')
    expect(problem?.message).to.contain('score and again both add prediction, p_NO, p_YES, model_version')
    expect(await openingError({ ...twice, 'transforms.again.prefix': 'again_' }, models)).to.equal(undefined)
    const key = { ...twice, 'transforms.again.type': 'ScoreH2OGbm$Key' }
    expect(await openingError(key, models)).to.equal(undefined)
  })
})
