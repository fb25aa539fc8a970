import { expect } from 'chai'
import { describe, it } from 'mocha'
import { checkOffsetReset, readOffsetReset, startingPoint } from '../../src/kafka/fetch/offset-reset.ts'

const NOW = 1_700_000_000_000

function agoOf(text: string): number {
  const reset = readOffsetReset(text)
  if (reset === undefined || reset === 'none') throw new Error(`${text} is no start`)
  return NOW - Number(startingPoint(reset, NOW))
}

describe('auto.offset.reset', () => {
  it('is a word, in any case', () => {
    expect(['earliest', 'LATEST', 'None'].map(readOffsetReset)).to.deep.equal(['earliest', 'latest', 'none'])
    expect(startingPoint('earliest', NOW)).to.equal('earliest')
    expect(startingPoint('latest', NOW)).to.equal('latest')
  })

  it('is a duration before now, of days to parts of seconds', () => {
    expect(agoOf('by_duration:PT1H')).to.equal(3_600_000)
    expect(agoOf('by_duration:P7D')).to.equal(604_800_000)
    expect(agoOf('By_Duration:p1dt2h3m4.5s')).to.equal(86_400_000 + 7_200_000 + 180_000 + 4500)
    expect(agoOf('by_duration:PT0S')).to.equal(0)
    expect(agoOf('by_duration:PT1,25S')).to.equal(1250)
  })

  it('never begins before 1970', () => {
    expect(startingPoint('by_duration:P999999D', NOW)).to.equal(0n)
  })

  it('is refused where it is no duration of Java’s, or a negative one', () => {
    for (const text of [
      '',
      'first',
      'by_duration',
      'by_duration:',
      'by_duration:P',
      'by_duration:PT',
      'by_duration:P1DT',
    ])
      expect(checkOffsetReset(text), text).to.match(/^Must be one of/)
    for (const text of [
      'by_duration:1h',
      'by_duration:PT-1H',
      'by_duration:-PT1H',
      'by_duration:P1M',
      'by_duration:PT1.5H',
    ])
      expect(checkOffsetReset(text), text).to.match(/^Must be one of/)
    expect(checkOffsetReset('by_duration:PT1H')).to.equal(undefined)
  })
})
