import { expect } from 'chai'
import { describe, it } from 'mocha'
import { type Logger, SILENT } from '../../../src/index.ts'
import { logIgnored } from '../../../src/runtime/plugins/ignored-keys.ts'
import { ignoredSourceKeys } from '../../../src/runtime/source/source-keys.ts'

describe('a key that has no effect', () => {
  it('is named in the log with the reason where it is set, and only there', () => {
    const lines: unknown[] = []
    const log: Logger = { ...SILENT, info: (message, fields) => lines.push([message, fields]) }
    logIgnored(ignoredSourceKeys, { 'producer.override.linger.ms': '10', topic: 'a' }, log)
    expect(lines).to.deep.equal([
      [
        'a key is ignored',
        {
          key: 'producer.override.linger.ms',
          reason: 'What a poll brought is sent as soon as it went through the transforms.',
        },
      ],
    ])
  })
})
