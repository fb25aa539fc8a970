import { expect } from 'chai'
import { describe, it } from 'mocha'
import { type FormatModel, messageOf, ModelError, type ModelFormatPlugin } from '../../src/index.ts'
import { readPackaged } from '../../src/inference/readers/read-packaged.ts'

const refusal = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => expect.fail('taken'),
    (error: unknown) => {
      expect(error).to.be.instanceOf(ModelError)
      return (error as ModelError).code + ' ' + messageOf(error)
    },
  )

describe('a model format of a package that is broken', () => {
  const good = (): FormatModel => ({
    formatVersion: '1',
    algorithm: 'a',
    task: 'regression',
    inputs: [{ name: 'x', type: 'numeric', required: true }],
    score: (_, length) => [new Float64Array(length)],
  })
  const plugin = (read: () => unknown): ModelFormatPlugin => ({
    ...{ kind: 'model-format', name: 'Bad', version: '0.9', summary: 'Is bad.', format: 'bad' },
    ...{ endings: ['.bad'], signs: [], read: read as ModelFormatPlugin['read'] },
  })
  const file = { name: 'm.bad', bytes: Buffer.from('x'), manifest: null }
  const read = (from: () => unknown, patience?: number) =>
    readPackaged({ plugin: plugin(from), package: 'bad-one 3.0.0' }, file, patience)

  const wrong: readonly [string, () => unknown, RegExp][] = [
    [
      'throws',
      () => {
        throw new TypeError('oh')
      },
      /says: oh$/,
    ],
    ['returns nothing', () => undefined, /it is no object/],
    ['has no columns', () => ({ ...good(), inputs: [] }), /inputs is no list of columns/],
    [
      'has a column twice',
      () => ({ ...good(), inputs: [...good().inputs, ...good().inputs] }),
      /names the column x twice/,
    ],
    [
      'has a column of a type that does not exist',
      () => ({ ...good(), inputs: [{ name: 'x', type: 'text', required: true }] }),
      /inputs\[0\] has a type/,
    ],
    [
      'has a tensor without a shape',
      () => ({ ...good(), inputs: [{ name: 'x', type: 'tensor', required: true }] }),
      /tensor without a shape/,
    ],
    ['has a task that does not exist', () => ({ ...good(), task: 'ranking' }), /task is none of/],
    ['classifies without classes', () => ({ ...good(), task: 'classification' }), /classes is neither/],
    ['has one class', () => ({ ...good(), task: 'classification', classes: ['a'] }), /classes is neither/],
    ['gives a vector without names', () => ({ ...good(), task: 'vector' }), /outputs is no list/],
    ['has classes where it has none', () => ({ ...good(), classes: 2 }), /classes is of no use/],
    [
      'has a threshold that is no number',
      () => ({ ...good(), task: 'anomaly', threshold: 'high' }),
      /threshold is no number/,
    ],
    ['cannot score', () => ({ ...good(), score: 1 }), /score is no function/],
  ]
  for (const [what, from, reason] of wrong)
    it(`and ${what} is told with its package and version`, async () => {
      const said = await refusal(read(from))
      expect(said)
        .to.match(/^model\.format the model format Bad 0\.9 of bad-one 3\.0\.0 /)
        .and.match(reason)
    })

  it('and never comes to an end is not waited for', async () => {
    expect(await refusal(read(() => new Promise(() => undefined), 5))).to.include(
      'did not read the file within 5 ms',
    )
  })

  const scores: readonly [string, unknown, string][] = [
    ['nothing', null, 'null'],
    ['too few rows', [new Float64Array(1)], '[Float64Array(1)] of 1'],
    ['too many columns', [new Float64Array(2), new Float64Array(2)], '[Float64Array(2)] of 2'],
    ['other numbers', [[1, 2]], '[Array] of 1'],
  ]
  for (const [what, given, shape] of scores)
    it(`and scores with ${what} is told with its package and version`, async () => {
      const loaded = await read(() => ({ ...good(), score: () => given }))
      const scoring = Promise.resolve(loaded.score([], 2, null))
      expect(await refusal(scoring)).to.equal(
        `model.format the model format Bad 0.9 of bad-one 3.0.0 scored 2 rows with ${shape}, not 1 × Float64Array(2). ` +
          'It is the package that is broken: install another version of it.',
      )
    })
})
