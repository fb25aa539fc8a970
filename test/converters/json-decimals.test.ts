import { expect } from 'chai'
import { describe, it } from 'mocha'
import { LOGICAL, type Schema } from '../../src/index.ts'
import { payload, PLAIN, write } from './json-support.ts'

describe('JsonConverter and decimals', () => {
  it('refuses a decimal schema whose scale is no integer of 32 bits', async () => {
    for (const scale of ['1.0', '', ' 1', '0x1', '1e2', '2147483648']) {
      const schema = { type: 'bytes', name: LOGICAL.decimal, parameters: { scale } }
      const { code, failures } = await payload(schema, '"AQ=="')
      expect(code, scale).to.equal('schema.invalid')
      expect(failures.errors.get(0)?.message).to.contain(`"${scale}"`)
    }
  })

  it('refuses to write a decimal in base64 whose scale is not that of its schema', async () => {
    const schema = (parameters?: Record<string, string>): Schema => ({
      type: 'BYTES',
      optional: false,
      name: LOGICAL.decimal,
      ...(parameters === undefined ? {} : { parameters }),
    })
    const three = { unscaled: 7489n, scale: 3 }
    expect((await write(schema({ scale: '2' }), three, PLAIN)).code).to.equal('record.value')
    expect((await write(schema(), three, PLAIN)).code).to.equal('record.value')
    const numeric = { ...PLAIN, 'decimal.format': 'numeric' }
    expect((await write(schema({ scale: '2' }), three, numeric)).text).to.equal('7.489')
  })
})
