import { expect } from 'chai'
import { describe, it } from 'mocha'
import { parseJaas } from '../../../src/kafka/security/jaas.ts'

function optionsOf(text: string): Record<string, string> {
  const found = parseJaas(text)
  if ('problem' in found) throw new Error(found.problem)
  return Object.fromEntries(found.options)
}

function problemOf(text: string): string {
  const found = parseJaas(text)
  return 'problem' in found ? found.problem : 'none'
}

describe('sasl.jaas.config', () => {
  it('has a class, a flag in any case, and options in either kind of quotes', () => {
    const text = `a.b.PlainLoginModule REQUIRED\n  username="alice" password='it is "secret"';`
    expect(parseJaas(text)).to.have.property('className', 'a.b.PlainLoginModule')
    expect(optionsOf(text)).to.deep.equal({ username: 'alice', password: 'it is "secret"' })
  })

  it('has escapes, comments and blanks around "=" as Java reads them', () => {
    const text = String.raw`M required // who
      username = "a\"b\\c\tdA" /* and
      the */ password="\'x\'" bare=some.word-1_$;`
    expect(optionsOf(text)).to.deep.equal({
      username: 'a"b\\c\tdA',
      password: "'x'",
      bare: 'some.word-1_$',
    })
    expect(optionsOf(String.raw`M required p="\101\60";`)).to.deep.equal({ p: 'A0' })
    expect(optionsOf('M required p="";')).to.deep.equal({ p: '' })
  })

  it('is refused by a sentence that shows no value', () => {
    for (const [text, expected] of [
      ['', 'no login module'],
      ['M', 'needs one of required'],
      ['M maybe p="geheim";', 'needs one of required'],
      ['M required p="geheim"', 'must end with ";"'],
      ['M required p geheim;', 'of the form name="value"'],
      ['M required p=1234;', 'Write it in quotes: p='],
      ['M required p=;', 'no text as the value of p'],
      ['M required p="geheim"; N required;', 'one login module'],
      ['"M', 'needs one of required'],
      ['= required', 'must begin with the class'],
    ] as const) {
      expect(problemOf(text), text).to.contain(expected)
      expect(problemOf(text), text).not.to.match(/geheim|1234/)
    }
  })

  it('is read in linear time', () => {
    const began = performance.now()
    for (const part of ['/*', '"\\', "'a", '//', 'a="b" ', '\\"'])
      expect(problemOf(`M required ${part.repeat(20_000)}`)).not.to.equal('none')
    expect(performance.now() - began).to.be.below(3000)
  })
})
