import { expect } from 'chai'
import { describe, it } from 'mocha'
import { ConfigError, type ExampleRecord, SILENT } from '../../../src/index.ts'
import { findPredicate } from '../../../src/runtime/plugins/plugins.ts'
import { batchOf } from '../../support/example-batch.ts'

async function matching(
  name: string,
  config: Record<string, string>,
  records: readonly ExampleRecord[],
): Promise<boolean[]> {
  const plugin = findPredicate(name)
  const predicate = await plugin.open(plugin.config.read(config), { log: SILENT })
  const batch = batchOf(records)
  const matches = predicate.matches(batch)
  return records.map((_, row) => matches(row))
}

describe('the predicates', () => {
  it('TopicNameMatches wants the whole name, of the topic that the record is on its way to', async () => {
    const topics = ['flights', 'flights-2', 'the-flights', 'Flights'].map((topic) => ({ topic }))
    expect(await matching('TopicNameMatches', { pattern: 'flights(-[0-9])?' }, topics)).to.deep.equal([
      ...[true, true, false, false],
    ])
    expect(await matching('TopicNameMatches', { pattern: '(?i)flights' }, topics)).to.deep.equal([
      ...[true, false, false, true],
    ])
  })

  it('TopicNameMatches refuses a pattern that is none, or takes more than linear time', () => {
    const { config } = findPredicate('TopicNameMatches')
    for (const pattern of ['', '(', 'a(?=b)', '(a)\\1'])
      expect(() => config.read({ pattern }), pattern).to.throw(ConfigError)
  })

  it('RecordIsTombstone goes by the value alone, also where its bytes say null', async () => {
    const optional = { type: 'STRING', optional: true } as const
    const records = [
      { value: null },
      { value: '' },
      { key: null, value: 'x' },
      { value: null, valueSchema: optional },
    ]
    expect(await matching('RecordIsTombstone', {}, records)).to.deep.equal([true, false, false, true])
  })

  it('HasHeaderKey looks for the exact name', async () => {
    const has = (...keys: string[]) => ({ headers: keys.map((key) => ({ key, value: null })) })
    const records = [has(), has('b', 'a'), has('A'), has('a', 'a')]
    expect(await matching('HasHeaderKey', { name: 'a' }, records)).to.deep.equal([false, true, false, true])
    expect(() => findPredicate('HasHeaderKey').config.read({ name: ' ' })).to.throw(ConfigError)
  })

  it('answers an unknown class with the nearest names', () => {
    expect(() => findPredicate('com.example.TopicNameMatch')).to.throw(
      'There is no predicate "com.example.TopicNameMatch". The nearest names: TopicNameMatches, ',
    )
  })
})
