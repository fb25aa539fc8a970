import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { partitionId } from '../../../src/runtime/source/offset-format.ts'
import { type SourcePosition, SourcePositions } from '../../../src/runtime/source/source-positions.ts'

const at = (file: string, position: number): SourcePosition => ({
  partition: { filename: file },
  offset: { position },
})

describe('how far the partitions of a source are', () => {
  it('waits for all records before one in its own partition, and for none of another', () => {
    const positions = new SourcePositions()
    const first = positions.begin([at('a', 1), at('b', 1)])
    const second = positions.begin([at('a', 2), at('a', 3)])
    const third = positions.begin([at('b', 2)])
    second()
    expect(positions.committable()).to.deep.equal([])
    third()
    expect(positions.committable()).to.deep.equal([])
    first()
    expect(positions.committable()).to.deep.equal([at('a', 3), at('b', 2)])
  })

  it('gives what was committed once, and again where it moved on', () => {
    const positions = new SourcePositions()
    positions.begin([at('a', 1)])()
    const once = positions.committable()
    positions.begin([at('a', 2)])() // while the offsets are on their way
    positions.committed(once)
    expect(positions.committable()).to.deep.equal([at('a', 2)])
    positions.committed(positions.committable())
    expect(positions.committable()).to.deep.equal([])
  })

  it('takes partitions for equal whatever the order of their keys', () => {
    const positions = new SourcePositions()
    const [one, other] = [
      { a: 1, b: 'x' },
      { b: 'x', a: 1 },
    ] as const
    const first = positions.begin([{ partition: one, offset: { n: 1 } }])
    positions.begin([{ partition: other, offset: { n: 2 } }])()
    expect(positions.committable()).to.deep.equal([])
    first()
    expect(positions.committable()).to.deep.equal([{ partition: other, offset: { n: 2 } }])
  })

  it('agrees with a list of all records, whatever order polls become durable in', () => {
    const polls = fc.array(fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 5 }), {
      minLength: 1,
      maxLength: 12,
    })
    const steps = polls.chain((each) =>
      fc.record({
        polls: fc.constant(each),
        order: fc.shuffledSubarray(
          each.map((_, i) => i),
          { minLength: 0 },
        ),
      }),
    )
    fc.assert(
      fc.property(steps, ({ polls, order }) => {
        const positions = new SourcePositions()
        const all: { file: string; poll: number; position: SourcePosition }[] = []
        const done = polls.map((files, poll) => {
          const records = files.map((file) => {
            const position = at(file, all.length)
            all.push({ file, poll, position })
            return position
          })
          return positions.begin(records)
        })
        const durable = new Set<number>()
        for (const poll of order) {
          done[poll]?.()
          durable.add(poll)
          const expected = ['a', 'b', 'c'].flatMap((file) => {
            const own = all.filter((record) => record.file === file)
            const blocked = own.findIndex((record) => !durable.has(record.poll))
            const last = (blocked < 0 ? own : own.slice(0, blocked)).at(-1)
            return last === undefined ? [] : [last.position]
          })
          const byFile = (list: readonly SourcePosition[]) =>
            list.toSorted((x, y) => (partitionId(x.partition) < partitionId(y.partition) ? -1 : 1))
          expect(byFile(positions.committable())).to.deep.equal(expected)
        }
      }),
      { numRuns: 200 },
    )
  })
})
