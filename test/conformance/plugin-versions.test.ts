import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { compareVersions } from '../../src/runtime/plugins/maven-version.ts'
import { parseVersionRange } from '../../src/runtime/plugins/version-range.ts'

/** Two versions and a range, and what Kafka Connect says: see java/VersionGolden.java. */
interface Case {
  readonly a: string
  readonly b: string
  readonly order: number
  readonly range: string
  readonly text?: string
  readonly includesA?: boolean
  readonly refused?: string
}

const cases = JSON.parse(
  readFileSync(new URL('golden/plugin-versions.json', import.meta.url), 'utf8'),
) as Case[]

function answer(range: string, version: string): Partial<Case> {
  try {
    const parsed = parseVersionRange(range)
    return { text: parsed?.text ?? '', includesA: parsed?.includes(version) === true }
  } catch (error) {
    return { refused: (error as Error).message }
  }
}

describe('versions of plugins', () => {
  it('are ordered as Maven orders them', () => {
    expect(cases).to.have.lengthOf.at.least(1000)
    const ours = cases.map(({ a, b }) => ({ a, b, order: Math.sign(compareVersions(a, b)) }))
    expect(ours).to.deep.equal(cases.map(({ a, b, order }) => ({ a, b, order })))
  })

  it('are in the ranges that Kafka Connect finds them in, and ranges that it refuses are refused in the same words', () => {
    const ours = cases.map(({ a, range }) => ({ a, range, ...answer(range, a) }))
    expect(ours).to.deep.equal(
      cases.map((each) =>
        Object.fromEntries(Object.entries(each).filter(([name]) => name !== 'b' && name !== 'order')),
      ),
    )
    expect(cases.filter(({ refused }) => refused !== undefined).length).to.be.within(100, 900)
  })

  it('may be the latest, which is no range', () => {
    for (const written of [undefined, 'latest', ' latest '])
      expect(parseVersionRange(written)).to.equal(undefined)
  })

  it('are refused where they are longer than any is', () => {
    expect(answer('-'.repeat(50_000), '1')).to.deep.equal({ refused: 'It is longer than 200 characters' })
  })
})
