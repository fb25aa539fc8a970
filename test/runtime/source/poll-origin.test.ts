import { expect } from 'chai'
import { describe, it } from 'mocha'
import { type EncodedRows, type SourceRecord, struct } from '../../../src/index.ts'
import { PollOrigin } from '../../../src/runtime/source/poll-origin.ts'

const record = (more: Partial<SourceRecord>): SourceRecord => ({
  ...{ topic: 'out', partition: null, timestamp: -1n, headers: [] },
  ...{ keySchema: null, key: null, valueSchema: null, value: null },
  ...{ sourcePartition: { file: 'f' }, sourceOffset: { n: 1 } },
  ...more,
})

function textOf(rows: EncodedRows, row: number): string | null {
  const size = rows.size(row)
  if (size < 0) return null
  const bytes = Buffer.alloc(size)
  expect(rows.write(row, bytes, 0)).to.equal(size)
  return bytes.toString()
}

describe('records of a poll', () => {
  it('go out with their own time, or the present where they have none', () => {
    const before = BigInt(Date.now())
    const origin = new PollOrigin([record({}), record({ timestamp: 5n })], 0n, 0)
    expect([origin.timestamp(0), origin.timestamp(1)]).to.deep.equal([-1n, 5n])
    const timeOf = (row: number) => origin.baseTimestamp + BigInt(origin.timestampDelta(row))
    expect(timeOf(0) >= before && timeOf(0) <= BigInt(Date.now())).to.equal(true)
    expect(timeOf(1)).to.equal(5n)
    expect([origin.outgoingTime(-1n), origin.outgoingTime(7n)]).to.deep.equal([origin.baseTimestamp, 7n])
  })

  it('leave their partition to the key, and stay together without one', () => {
    const origin = new PollOrigin([record({}), record({ partition: 3 })], 10n, 4)
    expect([origin.targetPartition(0), origin.targetPartition(1)]).to.deep.equal([-1, 3])
    expect(origin.keyless).to.equal(4)
    expect(new PollOrigin([], 0n, 2 ** 31 + 1).keyless).to.be.within(0, 2 ** 31)
    expect([origin.offset(0), origin.offset(1)]).to.deep.equal([10n, 11n])
  })

  it('are named by their own partition and offset', () => {
    const origin = new PollOrigin([record({ sourceOffset: { lsn: 2n ** 60n } })], 0n, 0)
    expect(origin.place(0)).to.equal('{"file":"f"} at {"lsn":1152921504606846976}')
    expect(origin.coordinates(0)).to.deep.equal({
      ...{ topic: 'out', partition: '{"file":"f"}', offset: '{"lsn":1152921504606846976}' },
    })
  })

  it('are JSON in a dead letter', () => {
    const origin = new PollOrigin(
      [record({ key: 'k', value: struct({ n: 1n, text: 'é' }) }), record({})],
      0n,
      0,
    )
    expect(textOf(origin.keys, 0)).to.equal('"k"')
    expect(textOf(origin.values, 0)).to.equal('{"n":1,"text":"é"}')
    expect([textOf(origin.keys, 1), textOf(origin.values, 1)]).to.deep.equal([null, null])
  })
})
