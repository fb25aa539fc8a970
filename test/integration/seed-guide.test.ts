import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { type PackageFolder, startPackageFolder } from '../support/package-folder.ts'
import { codeBlock } from '../support/pages.ts'
import { commandsOf } from '../support/typed-commands.ts'

const COMMANDS = commandsOf(codeBlock('config/connectors/seed/README.md', 'mkdir -p models'))

describe('the programs of the seed, by what their README says to type', function () {
  this.timeout(120_000)
  let home: PackageFolder

  before(async () => {
    const configs = ['seed-flight-gbm', 'seed-iris-dl4j'].map((name) => `config/connectors/seed/${name}.json`)
    home = await startPackageFolder([], configs)
  })
  after(() => home.stop())

  it('a flight and a flower go in as lines of text, and predictions come out', async () => {
    expect(COMMANDS).to.include('npx sluice dev') // which runs already
    const outputs: string[] = []
    for (const command of COMMANDS) if (command !== 'npx sluice dev') outputs.push(await home.run(command))
    const [flight = '', flower = ''] = outputs.slice(-2).map((line) => JSON.parse(line) as string)
    expect(flight).to.match(/^Prediction: Is Airline delayed\? => (YES|NO)$/)
    expect(flower).to.equal('Prediction: Iris Probability => [[    0.0033,    0.9919,    0.0048]]')
  })
})
