import { ESLint } from 'eslint'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import tseslint from 'typescript-eslint'
import { REPOSITORY } from '../support/process.ts'

describe('the import rules of eslint.config.js', function () {
  this.timeout(60_000)
  // Without the rules that need types: they take a file that exists, and much longer.
  const eslint = new ESLint({
    cwd: REPOSITORY,
    overrideConfig: [{ ...tseslint.configs.disableTypeChecked, files: ['**/*.ts'] }],
  })

  async function refusals(file: string, code: string): Promise<string[]> {
    const [result] = await eslint.lintText(code, { filePath: `${REPOSITORY}/${file}` })
    const rules = (result?.messages ?? []).map(({ ruleId, message }) => ruleId ?? message)
    return rules.filter((rule) => rule !== '@typescript-eslint/no-unused-expressions')
  }

  for (const [file, module] of [
    ['src/api/x.ts', '../kafka/client.ts'],
    ['src/kafka/x.ts', '../runtime/log.ts'],
    ['src/converters/avro/x.ts', '../../inference/zip.ts'],
    ['src/registry/x.ts', '../rest/app.ts'],
    ['src/runtime/x.ts', '../worker/herder.ts'],
    ['src/worker/x.ts', '../rest/app.ts'],
    ['src/testing/x.ts', '../worker/herder.ts'],
    ['src/runtime/x.ts', '../testing/index.ts'],
    ['transforms/x.ts', 'sluice/testing'],
    ['src/worker/x.ts', '../../connectors/kafka/topic-sink.ts'],
    ['transforms/x.ts', '../src/index.ts'],
    ['transforms/models/x.ts', '../../src/index.ts'],
    ['connectors/kafka/x.ts', '../../transforms/index.ts'],
    ['transforms/x.ts', '../connectors/index.ts'],
    ['transforms/x.ts', 'pino'],
    ['src/worker/x.ts', 'express'],
    ['src/worker/x.ts', 'kafkajs'],
    ['src/cli/x.ts', '@platformatic/kafka/dist/index.js'],
    ['src/converters/x.ts', 'avsc'],
  ] as const)
    it(`refuse ${module} in ${file}, imported, exported or loaded late`, async () => {
      expect(await refusals(file, `import '${module}'\n`)).to.deep.equal(['no-restricted-imports'])
      expect(await refusals(file, `export * from '${module}'\n`)).to.deep.equal(['no-restricted-imports'])
      expect(await refusals(file, `await import('${module}')\n`)).to.deep.equal(['no-restricted-syntax'])
    })

  it('allow what goes down, the public API for plugins, and each package in its home', async () => {
    for (const [file, module] of [
      ['src/runtime/x.ts', '../kafka/client.ts'],
      ['src/worker/x.ts', '../../connectors/index.ts'],
      ['src/cli/x.ts', '../dev/run-dev.ts'],
      ['src/testing/x.ts', '../runtime/records/batch.ts'],
      ['transforms/x.ts', 'sluice'],
      ['transforms/x.ts', './score-h2o-gbm.ts'],
      ['transforms/models/x.ts', '../text/csv-line.ts'],
      ['transforms/x.ts', 'node:crypto'],
      ['src/registry/x.ts', 'express'],
      ['src/kafka/x.ts', '@platformatic/kafka'],
    ] as const) {
      expect(await refusals(file, `import '${module}'\n`), file).to.deep.equal([])
      expect(await refusals(file, `await import('${module}')\n`), file).to.deep.equal([])
    }
  })
})
