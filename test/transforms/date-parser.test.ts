import { expect } from 'chai'
import { describe, it } from 'mocha'
import { dateFormat } from '../../transforms/record/java/date-format.ts'

/** A pattern, a text, and the time that SimpleDateFormat of Java 17 reads in UTC; null where it refuses the text. */
const ROWS: readonly (readonly [string, string, number | null])[] = [
  ['hh:mm a', '08:06  AM', null],
  ['hh:mm a', '08:06 AM', 29160000],
  ['d MMM', ' 1 Feb', 2678400000],
  ['d MMM', '1  Feb', null],
  ['ddMM', ' 112', 28857600000],
  ['ddMM', '1 12', 28857600000],
  ['HHmm', ' 930', 34200000],
  ['zz-', 'GMT-', null],
  ['zz-', 'GMT+', null],
  ['z', 'GMT', 0],
  ['z', ' GMT', 0],
  ['z', ' GMT+1:30', 0],
  ['z', 'GMT+1:30', -5400000],
  ['z', 'GMT+0130', null],
  ['z', 'GMT+01:30', -5400000],
  ['z', '+01:30', null],
  ['z', '+130', null],
  ['z', '+0130', -5400000],
  ['Z', 'GMT+01:30', -5400000],
  ['z', 'GMT-1', null],
  ['z', 'GMT+24:00', null],
  ['z', '+2400', null],
  ['z z', 'CEST UTC', -3600000],
  ['z z', 'UTC CEST', -7200000],
  ['z z', 'CEST EST', 18000000],
  ['z z', 'CEST GMT', 0],
  ['z z', 'GMT CEST', -7200000],
  ['z z', 'GMT EST', 18000000],
  ['Z z', '+0500 EST', 18000000],
  ['Z z', '+0500 EDT', 14400000],
  ['Z z', '+0500 UTC', -18000000],
  ['z Z', 'EDT +0500', -18000000],
  ['z z', 'EST UTC', 0],
  ['z z', 'EDT UTC', -3600000],
  ['X z', '+05 CET', -3600000],
  ['X z', '+05 CEST', -7200000],
  ['z X', 'CEST Z', 0],
  ['z', 'Greenwich Mean Time', 0],
  ['z z', 'CEST Greenwich Mean Time', -3600000],
  ['z z', 'EDT CET', -3600000],
  ['z z', '+0500 GMT', 0],
  ['Z z', '+0500 GMT', 0],
  ['Z z', '+0500 Coordinated Universal Time', -18000000],
  ['X', '+1:30', null],
  ['XXX', '+1:30', null],
  ['XXX', '+01:30', -5400000],
  ['X', ' +01', -3600000],
  ['G y', ' AD 5', null],
  ['MMM', ' Feb', null],
  ['E', ' Fri', null],
  ['M', ' 3', 5097600000],
]

describe('blanks and zones in a date', () => {
  it('are read as SimpleDateFormat reads them', () => {
    for (const [pattern, text, time] of ROWS)
      expect(dateFormat(pattern).parse(text)?.getTime() ?? null, `${pattern} of "${text}"`).to.equal(time)
  })
})
