import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { REPOSITORY } from '../support/process.ts'

const read = (file: string) => readFileSync(path.join(REPOSITORY, file), 'utf8')

/** Suites that `npm test` runs itself. */
const EVERY_DAY = ['test:unit', 'test:server']

describe('what CI runs', () => {
  it('is npm test and every other suite of package.json', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Readonly<Record<string, string>> }
    const suites = Object.keys(scripts).filter((name) => name.startsWith('test:'))
    expect(suites).to.include.members([...EVERY_DAY, 'test:long', 'test:chaos'])
    const others = suites.filter((name) => !EVERY_DAY.includes(name)).map((name) => `npm run ${name}`)
    const commands = read('.ci/run')
      .split('\n')
      .filter((line) => line.startsWith('npm '))
    expect(commands.toSorted()).to.deep.equal(['npm test', ...others].toSorted())
  })
})
