import { expect } from 'chai'
import { describe, it } from 'mocha'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { caseJson, fingerprint, replay } from './transform-replay.ts'
import { casesOf, CLASSES } from './transform-cases.ts'

interface Golden {
  readonly seed: number
  /** Fingerprints of what Apache's class did, case by case; null where ours deviates on purpose. */
  readonly classes: Readonly<Record<string, readonly (string | null)[]>>
}

const golden = JSON.parse(
  readFileSync(path.join(import.meta.dirname, 'golden/transforms.json'), 'utf8'),
) as Golden

describe('transforms and predicates do what Apache’s classes do', () => {
  it('in all classes', () => {
    expect(Object.keys(golden.classes)).to.deep.equal(CLASSES)
  })

  for (const [name, prints] of Object.entries(golden.classes)) {
    it(`${name}: ${prints.length} generated cases`, async () => {
      expect(prints.length).to.be.greaterThan(100)
      let row = 0
      for (const each of casesOf(name, prints.length, golden.seed)) {
        const wanted = prints[row++]
        if (wanted !== null) expect(fingerprint(await replay(each)), caseJson(each)).to.equal(wanted)
      }
    })
  }
})
