import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { Model, RecordBatch, Value } from '../../../src/index.ts'
import { detectAnomaly } from '../../../transforms/models/detect-anomaly.ts'
import { detector, modelsOf } from '../../support/fake-models.ts'
import { figuresOf, openTransform, row } from '../../support/open-transform.ts'

const open = (config: Readonly<Record<string, string>>, models: readonly Model[]) =>
  openTransform(detectAnomaly, config, modelsOf(...models))

describe('DetectAnomaly with several models', () => {
  const flagsOf = (batch: RecordBatch) =>
    Array.from(
      { length: batch.length },
      (_, i) => (batch.record(i).value as Record<string, Value>)['is_anomaly'],
    )

  it('holds each record against the threshold of the model that scored it', async () => {
    const models = [detector('low', 1), detector('high', 3, { version: '2' })]
    const config = {
      model: 'low:0.5,high:0.5',
      'version.field': 'by',
      prefix: 'a_',
    }
    const opened = await open(config, models)
    const batch = await opened.apply(Array.from({ length: 60 }, (_, i) => ({ ...row(2), key: `${i}` })))
    const seen = new Set<string>()
    for (let i = 0; i < 60; i++) {
      const value = batch.record(i).value as Record<string, Value>
      const by = String(batch.headers(i)[0]?.value)
      expect(value).to.include(
        by === 'low$1' ? { a_is_anomaly: true, a_by: '1' } : { a_is_anomaly: false, a_by: '2' },
      )
      seen.add(by)
    }
    expect([...seen].sort()).to.deep.equal(['high$2', 'low$1'])
    const fixed = await open({ model: 'low:0.5,high:0.5', threshold: '2.5' }, models)
    expect(new Set(flagsOf(await fixed.apply([row(2), row(2), row(2)])))).to.deep.equal(new Set([false]))
  })

  it('needs a threshold for each of them', async () => {
    const models = [detector('low', 1), detector('none', undefined)]
    const error: unknown = await open({ model: 'low:0.5,none:0.5' }, models).catch((e: unknown) => e)
    expect(String(error)).to.include('The model none has no threshold')
  })

  it('compares the flags of a shadow model, by its own threshold', async () => {
    const shadow = detector('other', 5, {
      algorithm: 'isolationforest',
      outputs: ['score', 'normalizedScore'],
    })
    const opened = await open({ model: 'low', shadow: 'other' }, [detector('low', 1), shadow])
    await opened.apply([row(0), row(2), row(6), row(NaN)])
    expect(figuresOf(opened)[0]).to.deep.include({
      rows: 3,
      labelled: 3,
      equal: 2,
      compared: 3,
      difference: 0,
    })
    const without = await open({ model: 'low', shadow: 'none' }, [
      detector('low', 1),
      detector('none', undefined),
    ])
    await without.apply([row(0)])
    expect(figuresOf(without)[0]).to.deep.include({ rows: 1, labelled: 0 })
  })

  it('refuses a version field that is there already', async () => {
    const config = { model: 'low', 'version.field': 'is_anomaly' }
    const error: unknown = await open(config, [detector('low', 1)]).catch((e: unknown) => e)
    expect(error).to.have.nested.property('problems[0].path', 'version.field')
  })
})
