import { expect } from 'chai'
import { describe, it } from 'mocha'
import { key } from '../../src/api/config.ts'
import { MASK } from '../../src/api/credentials.ts'
import { configInfos } from '../../src/worker/configs/config-infos.ts'

const isReference = () => false

describe('configInfos', () => {
  it('have Kafka Connect’s shape, order within groups and errors', () => {
    const keys = [
      { name: 'a', key: key.int({ doc: 'A.', group: 'G', importance: 'HIGH' }), group: 'G' },
      { name: 'b', key: key.list({ doc: 'B.', default: ['x', 'y'], recommended: ['x'] }), group: 'G' },
      { name: 'c', key: key.password({ doc: 'C.', optional: true }), group: null },
    ]
    const problems = [
      { path: 'a', message: 'wrong' },
      { path: 'z', message: 'unknown' },
    ]
    const infos = configInfos('X', { a: 'q', c: 'secret', z: '1' }, { keys, problems, isReference })
    expect(infos).to.deep.include({ name: 'X', error_count: 2, groups: ['G'] })
    // What nothing defines comes first, as in Kafka Connect.
    expect(infos.configs[0]).to.deep.equal({
      definition: null,
      value: { name: 'z', value: '1', recommended_values: [], errors: ['unknown'], visible: true },
    })
    expect(infos.configs[1]).to.deep.equal({
      definition: {
        name: 'a',
        type: 'INT',
        required: true,
        default_value: null,
        importance: 'HIGH',
        documentation: 'A.',
        group: 'G',
        order_in_group: 1,
        width: 'MEDIUM',
        display_name: 'a',
        dependents: [],
      },
      // Kafka Connect shows no value where the text is none of the key’s type.
      value: { name: 'a', value: null, recommended_values: [], errors: ['wrong'], visible: true },
    })
    expect(infos.configs[2]?.definition).to.deep.include({
      default_value: 'x,y',
      order_in_group: 2,
      required: false,
    })
    expect(infos.configs[2]?.value.value).to.equal('x,y')
    expect(infos.configs[3]?.definition).to.deep.include({ group: null, order_in_group: -1, width: 'NONE' })
    expect(infos.configs[3]?.value.value).to.equal(MASK)
  })

  it('show values as they are read: trimmed, in one form of numbers, null where they are none', () => {
    const keys = [
      { name: 'int', key: key.int({ doc: '', default: 1 }), group: null },
      { name: 'flag', key: key.boolean({ doc: '', default: false }), group: null },
      { name: 'list', key: key.list({ doc: '', default: [] }), group: null },
      { name: 'class', key: key.plugin({ doc: '' }), group: null, className: 'org.example.Known' },
    ]
    const shown = (raw: Record<string, string>) =>
      configInfos('X', raw, { keys, problems: [], isReference }).configs.map(({ value }) => value.value)
    expect(shown({ int: ' +3 ', flag: 'TRUE', list: 'a, b', class: 'Known' })).to.deep.equal([
      '3',
      'true',
      'a,b',
      'org.example.Known',
    ])
    expect(shown({ int: 'x', flag: 'x' }).slice(0, 2)).to.deep.equal([null, null])
  })

  it('say of a null that it is none, and of a number that has a least value twice', () => {
    const keys = [
      { name: 'n', key: key.int({ doc: '', default: 1, min: 1 }), group: null },
      { name: 's', key: key.string({ doc: '', default: 'x' }), group: null },
    ]
    const infos = configInfos('X', {}, { keys, problems: [], isReference, nulls: new Set(['n', 's', 'z']) })
    expect(infos.error_count).to.equal(4)
    expect(infos.configs.map(({ value }) => [value.name, value.value, value.errors.length])).to.deep.equal([
      ['z', null, 1],
      ['n', null, 2],
      ['s', null, 1],
    ])
  })
})
