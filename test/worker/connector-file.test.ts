import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { CommandError } from '../../src/api/errors.ts'
import { readConnectorFile, readConnectorFiles } from '../../src/worker/configs/connector-file.ts'

describe('the file of a connector', () => {
  let folder: string
  before(() => (folder = mkdtempSync(path.join(tmpdir(), 'sluice-connector-file-'))))
  after(() => rmSync(folder, { recursive: true, force: true }))

  function write(name: string, content: unknown): string {
    const file = path.join(folder, name)
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
    return file
  }
  const read = (name: string, content: unknown) => {
    const { name: connector, config, target } = readConnectorFile(write(name, content))
    return { connector, config, target }
  }
  const problemOf = (work: () => unknown): string => {
    try {
      return JSON.stringify(work())
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      return `${error.code}: ${error.message}; ${error.suggestion ?? ''}`
    }
  }

  it('is Java properties, a configuration as JSON, or what is posted to REST', () => {
    const config = { name: 'a', 'connector.class': 'C', 'tasks.max': '2' }
    const whole = { connector: 'a', config, target: undefined }
    expect(read('a.properties', '# mine\nname=a\nconnector.class = C\ntasks.max: 2\n')).to.deep.equal(whole)
    expect(read('a.json', { ...config, 'tasks.max': 2 })).to.deep.equal(whole)
    expect(read('a.json', { name: 'a', config })).to.deep.equal(whole)
    expect(read('a.json', { config })).to.deep.equal(whole)
    const posted = {
      name: ' a ',
      config: { 'connector.class': 'C', big: true },
      initial_state: 'stopped',
      more: 1,
    }
    expect(read('a.json', posted)).to.deep.equal({
      connector: 'a',
      config: { 'connector.class': 'C', big: 'true' },
      target: 'STOPPED',
    })
  })

  it('keeps numbers as they are written', () => {
    const { config } = read('n.json', '{"name":"n","a":1.50,"b":9007199254740993,"c":1e3}')
    expect(config).to.deep.equal({ name: 'n', a: '1.50', b: '9007199254740993', c: '1e3' })
  })

  it('is JSON by its first sign, whatever it is called', () => {
    expect(read('a.conf', '\n {"name":"a"}').connector).to.equal('a')
    expect(problemOf(() => read('a.conf', '{"name":'))).to.contain('is not JSON')
  })

  it('is refused with what to do, by its name', () => {
    const told = (name: string, content: unknown) => problemOf(() => read(name, content))
    const where = (name: string) => `config.file: The connector file ${path.join(folder, name)}`
    expect(problemOf(() => readConnectorFile(path.join(folder, 'none')))).to.contain(
      `${where('none')} cannot be read: ENOENT`,
    )
    expect(problemOf(() => readConnectorFile(folder))).to.contain('cannot be read: EISDIR')
    for (const content of ['connector.class=C\n', '', 'name=\n'])
      expect(told('a.properties', content)).to.equal(
        `${where('a.properties')} does not name its connector; add the key "name"`,
      )
    expect(told('a.json', { config: { 'connector.class': 'C' } })).to.contain('does not name its connector')
    expect(told('a.json', '')).to.contain('is not JSON')
    expect(told('a.json', [])).to.contain('must hold one JSON object')
    expect(told('a.json', { name: 'a', config: { topics: ['t'] } })).to.contain('true or false as "topics"')
    expect(told('a.json', { name: 'a', topics: null })).to.contain('true or false as "topics"')
    expect(told('a.json', { name: 'a', config: { name: 'b' } })).to.contain('names its connector a, and b in')
    expect(told('a.json', { name: 'a', config: {}, initial_state: 'UP' })).to.contain('initial_state')
    expect(told('a.properties', 'name=a\0')).to.contain('is not a text')
  })

  it('has a connector of its own', () => {
    const files = [write('one.properties', 'name=a'), write('two.json', { name: 'b' })]
    expect(readConnectorFiles(files).map(({ name }) => name)).to.deep.equal(['a', 'b'])
    const twice = [...files, write('three.json', { name: 'a', config: {} })]
    expect(problemOf(() => readConnectorFiles(twice))).to.contain(
      `three.json describes connector a, as ${path.join(folder, 'one.properties')} does`,
    )
  })
})
