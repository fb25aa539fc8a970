import { expect } from 'chai'
import { describe, it } from 'mocha'
import { type Models, NO_IMAGES, SILENT, struct, type TransformPlugin } from '../../../../src/index.ts'
import { labellersWithin } from '../../../../src/inference/images/image-labeller.ts'
import { detectAnomaly } from '../../../../transforms/models/detect-anomaly.ts'
import { labelImage } from '../../../../transforms/models/label-image.ts'
import { scoreH2o } from '../../../../transforms/models/score-h2o.ts'
import { classifier, detector } from '../../../support/fake-models.ts'
import { openTransform, row } from '../../../support/open-transform.ts'
import { redness } from '../../../support/redness.ts'

const models: Models = {
  load: async (name) => {
    if (name === 'red') return redness().load(name)
    return name === 'odd' ? detector('odd', 1) : classifier('delay')
  },
}

type Config = Readonly<Record<string, string>>

async function addedBy(plugin: TransformPlugin, config: Config): Promise<readonly string[] | undefined> {
  const transform = await plugin.open(plugin.config.read(config), {
    ...{ side: 'value', models, log: SILENT },
    openImageLabeller: labellersWithin(NO_IMAGES),
  })
  return transform.adds?.map(({ name }) => name)
}

async function problemOf(plugin: TransformPlugin, config: Config): Promise<string> {
  const reason: unknown = await addedBy(plugin, config).catch((error: unknown) => error)
  return String(reason)
}

const score = (outputs: string, more: Config = {}): Config => ({ model: 'delay', outputs, ...more })

describe('the key outputs', () => {
  it('gives fields other names, leaves out those without one, and leaves the others to the prefix', async () => {
    expect(await addedBy(scoreH2o, score('p_YES:late,p_NO:', { prefix: 'x_' }))).to.deep.equal([
      ...['x_prediction', 'late', 'x_model_version'],
    ])
    expect(await addedBy(scoreH2o, score('prediction:p_NO,p_NO:prediction'))).to.deep.equal([
      ...['p_NO', 'prediction', 'p_YES', 'model_version'],
    ])
    const opened = await openTransform(
      scoreH2o,
      score('prediction:,p_YES:late', { 'version.field': '' }),
      models,
    )
    const batch = await opened.apply([row(0.25), row(0.75)])
    const before = { y: null, text: 'none' }
    expect([0, 1].map((i) => batch.record(i).value)).to.deep.equal([
      struct({ x: 0.25, ...before, p_NO: 0.75, late: 0.25 }),
      struct({ x: 0.75, ...before, p_NO: 0.25, late: 0.75 }),
    ])
  })

  it('works for anomalies and images too, the version behind the rest', async () => {
    const anomaly = { model: 'odd', outputs: 'anomaly_score:', 'version.field': 'by', threshold: '1' }
    expect(await addedBy(detectAnomaly, anomaly)).to.deep.equal(['is_anomaly', 'by'])
    const image = { model: 'red', 'top.k': '1', field: 'photo', 'version.field': 'by' }
    const outputs = 'labels:,probability:sure'
    expect(await addedBy(labelImage, { ...image, outputs, prefix: 'p_' })).to.deep.equal([
      ...['p_label', 'sure', 'p_by'],
    ])
  })

  it('names what there is where a name is wrong', async () => {
    expect(await problemOf(scoreH2o, score('p_MAYBE:x,prediction:y'))).to.match(
      /outputs.*Nothing is added as p_MAYBE\. There is: prediction, p_NO, p_YES\./,
    )
    expect(
      await problemOf(detectAnomaly, { model: 'odd', threshold: '1', outputs: 'prediction:x' }),
    ).to.contain('There is: anomaly_score, is_anomaly.')
    const image = { model: 'red', 'top.k': '1', outputs: 'probabilities:x' }
    expect(await problemOf(labelImage, image)).to.contain('There is: label, probability, labels.')
  })

  it('refuses two fields of one name, and to add nothing but the version', async () => {
    for (const [config, message] of [
      [score('p_YES:x,p_NO:x'), 'Two outputs would both become the field x'],
      [score('p_YES:prediction'), 'Two outputs would both become the field prediction'],
      [score('p_YES:x_p_NO', { prefix: 'x_' }), 'Two outputs would both become the field x_p_NO'],
      [score('p_YES:model_version'), 'The field model_version is added already'],
      [score('prediction:,p_NO:,p_YES:'), 'All that would be added is left out'],
    ] as const) {
      expect(await problemOf(scoreH2o, config)).to.contain(message)
    }
  })

  it('takes pairs of names alone, each name once', () => {
    for (const outputs of ['p_YES', ':x', 'p_YES:a-b', 'p_YES:1', 'p_YES:a:b', 'p_YES:a,p_YES:b'])
      expect(
        scoreH2o.config.parse(score(outputs)).problems.map(({ path }) => path),
        outputs,
      ).to.deep.equal(['outputs'])
    expect(scoreH2o.config.parse(score('p_YES:a,p_NO:')).problems).to.deep.equal([])
  })
})
