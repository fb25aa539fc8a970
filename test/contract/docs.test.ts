import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { codeBlock } from '../support/pages.ts'
import { REPOSITORY } from '../support/process.ts'

const at = (...parts: string[]) => path.join(REPOSITORY, ...parts)
const read = (...parts: string[]) => readFileSync(at(...parts), 'utf8')

describe('the documents', () => {
  it('list every decision', () => {
    const index = read('docs/decisions/README.md')
    const records = readdirSync(at('docs/decisions')).filter((name) => /^\d{4}-/.test(name))
    expect(records).not.to.have.lengthOf(0)
    for (const name of records) expect(index).to.contain(`(${name})`)
  })

  it('name source files that exist: the walk and the invariants of the architecture', () => {
    const named = [...read('docs/architecture.md').matchAll(/`(\w+\/[a-z-]+(?:\/[a-z-]+)*)`/g)].map(
      ([, name = '']) => name,
    )
    expect(named).to.include('runtime/sink/positions')
    const roots = ['src', '.']
    const found = (name: string) =>
      roots.some((root) => existsSync(at(root, name)) || existsSync(at(root, `${name}.ts`)))
    expect(named.filter((name) => !found(name))).to.deep.equal([])
  })

  it('show the main job as config/connectors holds it', () => {
    expect(JSON.parse(codeBlock('README.md', '{\n  "name"'))).to.deep.equal(
      JSON.parse(read('config/connectors/flight-delay.json')),
    )
  })

  it('cite every invariant in the code', () => {
    const sources = readdirSync(at('src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => read('src', name))
      .join('\n')
    const cited = new Set([...sources.matchAll(/invariant (\d)/gi)].map(([, number]) => Number(number)))
    expect([...cited].sort()).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8])
  })
})
