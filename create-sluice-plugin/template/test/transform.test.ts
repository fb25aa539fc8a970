import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { struct } from 'sluice'
import { applyTransform, runExamples } from 'sluice/testing'
import { convertUnits } from '../src/transform.ts'

describe('the transform', () => {
  it('does what its examples say', () => runExamples(convertUnits))

  it('works on keys too', async () => {
    const config = { field: 't', from: 'celsius', to: 'kelvin' }
    const [record] = await applyTransform(convertUnits, config, [{ key: struct({ t: 0 }) }], { side: 'key' })
    assert.ok(record !== null && record !== undefined && 'key' in record)
    assert.deepEqual(record.key, struct({ t: 273.15 }))
  })

  it('refuses a unit that it does not know', async () => {
    const config = { field: 't', from: 'degrees' }
    await assert.rejects(applyTransform(convertUnits, config, []), /from.*one of celsius, fahrenheit, kelvin/)
  })
})
