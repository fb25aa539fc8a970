import { expect } from 'chai'
import { describe, it } from 'mocha'
import { EXPERIMENTS } from '../reliability/experiments.ts'

/** The short forms, of some tens of seconds each; `npm run reliability -- NAME --long` are those of docs/reliability.md. */
const SHORT = [
  { name: 'R1', records: 60_000 },
  { name: 'R8', records: 30_000 },
  { name: 'N3', records: 20_000 },
]

describe('the experiments of docs/reliability.md, in short', function () {
  this.timeout(400_000)

  for (const { name, records } of SHORT) {
    const experiment = EXPERIMENTS.find((each) => each.name === name)
    it(`${name}: ${experiment?.title ?? 'there is no such experiment'}`, async () => {
      const seed = Number(process.env['SLUICE_CHAOS_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
      const said: string[] = [`seed ${seed}`]
      const options = { records, perSecond: 2000, seed, say: (line: string) => void said.push(line) }
      const figures = (await experiment?.run(options)) ?? []
      const missed = figures.filter(({ holds }) => !holds)
      expect(missed, said.join('\n')).to.deep.equal([])
      expect(figures).to.not.deep.equal([])
      const words = figures.map(({ what, value }) => `${value} ${what}`)
      console.log(`      ${name} (seed ${seed}): ${words.join(', ')}`)
    })
  }
})
