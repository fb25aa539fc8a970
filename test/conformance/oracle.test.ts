import { expect } from 'chai'
import { describe, it } from 'mocha'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { SUBJECTS } from './oracle-subjects.ts'
import { fingerprint } from './transform-replay.ts'

interface Golden {
  readonly seed: number
  /** Fingerprints of what Apache's class did, case by case; null where ours deviates on purpose. */
  readonly classes: Readonly<Record<string, readonly (string | null)[]>>
}

const golden = JSON.parse(
  readFileSync(path.join(import.meta.dirname, 'golden/oracle.json'), 'utf8'),
) as Golden

describe('transforms, predicates and converters do what Apache’s classes do', () => {
  it('in all classes', () => {
    expect(Object.keys(golden.classes)).to.deep.equal(SUBJECTS.map(({ name }) => name))
  })

  for (const subject of SUBJECTS) {
    const prints = golden.classes[subject.name] ?? []
    it(`${subject.name}: ${prints.length} generated cases`, async () => {
      expect(prints.length).to.be.greaterThan(100)
      let row = 0
      for (const each of subject.cases(prints.length, golden.seed)) {
        const wanted = prints[row++]
        if (wanted !== null) expect(fingerprint(await each.replay()), each.asked).to.equal(wanted)
      }
    })
  }
})
