import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { heldOutFlights, parseFlights } from '../../src/dev/quickstart-flights.ts'
import { areaUnderCurve, flightTable, summarize } from '../../src/dev/quickstart-summary.ts'

const ADDRESSES = {
  bootstrapServers: 'b:1',
  schemaRegistry: 'http://r:2',
  rest: ['http://w:3'],
  modelsDir: '/models',
}

describe('areaUnderCurve', () => {
  it('is 1 for a perfect order, 0 for the reverse, and a half where all scores tie', () => {
    expect(areaUnderCurve([0.1, 0.2, 0.8, 0.9], [false, false, true, true])).to.equal(1)
    expect(areaUnderCurve([0.9, 0.8, 0.2, 0.1], [false, false, true, true])).to.equal(0)
    expect(areaUnderCurve([0.5, 0.5, 0.5], [false, true, true])).to.equal(0.5)
  })

  it('equals the share of pairs in the right order, ties counting half', () => {
    const row = fc.tuple(fc.integer({ min: 0, max: 9 }), fc.boolean())
    fc.assert(
      fc.property(fc.array(row, { minLength: 2, maxLength: 40 }), (rows) => {
        const positives = rows.filter(([, positive]) => positive)
        const negatives = rows.filter(([, positive]) => !positive)
        fc.pre(positives.length > 0 && negatives.length > 0)
        const wins = positives.flatMap(([p]) => negatives.map(([n]) => (p > n ? 1 : p === n ? 0.5 : 0)))
        const share = wins.reduce((sum: number, win) => sum + win, 0) / wins.length
        const auc = areaUnderCurve(
          rows.map(([score]) => score),
          rows.map(([, positive]) => positive),
        )
        expect(auc).to.be.closeTo(share, 1e-12)
      }),
    )
  })
})

describe('the quickstart’s flights', () => {
  it('are at least 20,000, with what really happened, in the form of the schema', async () => {
    const flights = await heldOutFlights()
    expect(flights.length).to.be.at.least(20_000)
    expect(new Set(flights.map((flight) => flight.delayed))).to.deep.equal(new Set([true, false]))
    expect(flights[0]?.record).to.have.all.keys(
      ...[
        'Year',
        'Month',
        'DayofMonth',
        'DayOfWeek',
        'CRSDepTime',
        'CRSArrTime',
        'UniqueCarrier',
        'FlightNum',
      ],
      ...['TailNum', 'Origin', 'Dest', 'Distance'],
    )
  })

  it('have null where a cell is empty or NA, and numbers as numbers', () => {
    const csv = 'Month,TailNum,Distance,FlightNum,IsDepDelayed\n1,NA,,12,YES\n2,N1,7.5,NA,NO\n'
    expect(parseFlights(csv)).to.deep.equal([
      { record: { Month: 1, TailNum: null, Distance: null, FlightNum: 12 }, delayed: true },
      { record: { Month: 2, TailNum: 'N1', Distance: 7.5, FlightNum: null }, delayed: false },
    ])
  })
})

describe('the quickstart’s summary', () => {
  const [late, early] = parseFlights(
    'Year,Month,DayofMonth,CRSDepTime,UniqueCarrier,FlightNum,Origin,Dest,IsDepDelayed\n' +
      '2013,1,9,555,UA,12,JFK,LAX,YES\n2013,1,9,1230,B6,7,EWR,BOS,NO\n',
  )
  const scored = [
    { flight: late!, prediction: 'YES', probability: 0.75 },
    { flight: early!, prediction: 'YES', probability: 0.5 },
  ]

  it('counts labels and right predictions', () => {
    expect(summarize(scored, 2, ADDRESSES)).to.deep.equal({
      records: 2,
      seconds: 2,
      labels: { YES: 2 },
      accuracy: 0.5,
      auc: 1,
      ...ADDRESSES,
    })
  })

  it('shows each flight with prediction, probability and what really happened', () => {
    const lines = flightTable(scored).split('\n')
    expect(lines[2]).to.match(/^UA 12 +2013-01-09 +05:55 +JFK +LAX +delayed +0\.750 +delayed$/)
    expect(lines[3]).to.match(/^B6 7 +2013-01-09 +12:30 +EWR +BOS +delayed +0\.500 +on time +wrong$/)
  })
})
