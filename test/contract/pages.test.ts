import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import { codeBlocks, linksOf, readPage, userPages, withoutCode } from '../support/pages.ts'
import { REPOSITORY, sluice } from '../support/process.ts'

/** Blocks that no test runs, by the words they start with, and why. */
const NOT_RUN: Readonly<Record<string, string>> = {
  'docs/reference/predicates.md: transforms=drop':
    'part of a connector; test/runtime/chain/conditions.test.ts runs such',
  'models/airline-delay/README.md: python train.py': 'trains the model, with H2O and Python',
  'models/efficientnet-lite0/README.md: pip install': 'makes the model, with Python',
  'models/iris-dl4j/README.md: cd models/iris-dl4j': 'trains the model, with DL4J from Maven',
  'docs/command-line.md: sluice topics --create flights': 'as in the README, with two partitions',
  'docs/command-line.md: sluice dev --workers 3':
    'test/integration/dev-workers.test.ts starts them at ports of its own',
  'docs/models.md: {\n  "manifestVersion"': 'a manifest with a checksum left out',
  'docs/models.md: "signature"': 'a part of a manifest',
  'docs/models.md: "preprocess"': 'a part of a manifest',
  'docs/models.md: {\n  "connector"': 'an answer with parts left out',
  'docs/rest.md: curl -s 127.0.0.1:8083/sluice/models': 'tested as requests in test/rest/models.test.ts',
  'docs/rest.md: cd models/airline-delay': 'tested as requests in test/rest/models.test.ts',
  "docs/rest.md: curl -X PATCH -H 'Content-Type: application/json' 127.0.0.1:8083/connectors/fraud/offsets":
    'tested as requests in test/integration/sink-offsets.test.ts',
  'docs/rest.md: curl -X PUT -H \'Content-Type: application/json\' -d \'{"level":"DEBUG"}\'':
    'tested as requests in test/integration/sink-offsets.test.ts',
  'docs/rest.md: curl -X PUT 127.0.0.1:8083/connectors/lines/stop':
    'tested as requests in test/integration/source-connector.test.ts',
  'docs/config-providers.md: # worker.properties':
    'tested with other files in test/integration/config-providers.test.ts',
  'docs/config-providers.md: {\n  "value.converter"':
    'part of a connector; test/integration/config-providers.test.ts runs such',
  'docs/plugins.md: npm pack ./sluice': 'as test/long/packaging.test.ts does it',
  'docs/plugins.md: async monitor(': 'part of a source; test/chaos/hostile-sources.test.ts runs such',
  'docs/plugins.md: CONNECT_PLUGIN_PATH': 'tested with another folder in test/chaos/sinks.test.ts',
  'docs/reliability.md: npm run reliability': 'test/chaos/reliability.test.ts runs them in short',
  'create-sluice-plugin/README.md: npm create': 'as in docs/plugins.md',
  'create-sluice-plugin/template/README.md: npm install\n': 'as in docs/plugins.md',
  'create-sluice-plugin/template/README.md: npm pack': 'as test/long/packaging.test.ts does it',
  'docs/security.md: sluice hash-password': 'test/integration/secured-rest.test.ts does it, with other names',
  'docs/exactly-once.md: {': 'a connector; test/integration/exactly-once-sink.test.ts runs such',
  'docs/security.md: value.converter=io.confluent':
    'settings with other files; test/registry/tls.test.ts reads such',
  'docs/rest.md: kafka-consumer-groups.sh': 'a tool of Apache Kafka',
}

/** The names that GitHub gives headings: small letters, blanks as hyphens, the rest of the signs left out. */
function anchorsOf(page: string): string[] {
  return [...withoutCode(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  )
}

describe('the pages that users read', () => {
  it('link to files and headings that exist', () => {
    const broken = userPages().flatMap((page) =>
      linksOf(page).filter((link) => {
        const [file = '', anchor] = link.split('#')
        const target = file === '' ? page : path.join(path.dirname(page), file)
        if (!existsSync(path.join(REPOSITORY, target))) return true
        return anchor !== undefined && !anchorsOf(target).includes(anchor)
      }),
    )
    expect(broken).to.deep.equal([])
  })

  it('are read by this test: links, headings and code', () => {
    expect(userPages()).to.include.members([
      'README.md',
      'docs/guides/kafkajs.md',
      'config/connectors/seed/README.md',
    ])
    expect(linksOf('docs/rest.md')).to.include('models.md#the-manifest')
    expect(anchorsOf('docs/models.md')).to.include('look-at-it-score-with-it-check-it-against-its-probes')
  })

  it('have no code that no test runs', () => {
    const tests = globSync('test/**/*.test.ts', { cwd: REPOSITORY })
      .map((file) => readFileSync(path.join(REPOSITORY, file), 'utf8'))
      .join('\n')
    const claimed = [...tests.matchAll(/codeBlock\(\s*'([^']+)',\s*(?:'([^\n]+)'|"([^\n]+)"),?\s*\)/g)].map(
      ([, page = '', single, double]) => ({ page, start: (single ?? double ?? '').replaceAll('\\n', '\n') }),
    )
    const blocks = userPages()
      .flatMap(codeBlocks)
      .filter(({ language }) => language !== '')
    const excused = (name: string) => Object.keys(NOT_RUN).some((start) => name.startsWith(start))
    const unclaimed = blocks
      .filter(
        ({ page, text }) => !claimed.some((claim) => claim.page === page && text.startsWith(claim.start)),
      )
      .map(({ page, text }) => `${page}: ${text}`)
    expect(unclaimed.filter((name) => !excused(name))).to.deep.equal([])
    for (const start of Object.keys(NOT_RUN))
      expect(
        unclaimed.filter((name) => name.startsWith(start)),
        start,
      ).to.have.lengthOf(1)
  })
})

describe('the commands in the pages', () => {
  const helps = new Map<string, string>()

  async function help(...command: readonly string[]): Promise<string> {
    const run = sluice([...command, '--help'])
    await run.exited
    return run.stdout()
  }
  const namesIn = (text: string) =>
    [...(text.split('Commands:')[1] ?? '').matchAll(/^ {2}([\w-]+)/gm)]
      .map(([, name = '']) => name)
      .filter((name) => name !== 'help')

  before(async () => {
    const commands = ['', 'models', 'topics', 'produce', 'consume', 'run', 'test']
    await Promise.all(
      commands.map(async (name) => helps.set(name, await help(...name.split(' ').filter(Boolean)))),
    )
  })

  it('are those of sluice --help, in the table of the README', () => {
    const cells = [...readPage('README.md').matchAll(/^\| (`sluice [^|]*) \|/gm)].map(([, cell = '']) => cell)
    const told = cells.flatMap((cell) => [
      ...cell.matchAll(/`sluice ([a-z-]+(?: (?:inspect|verify|init|score))?)/g),
    ])
    const names = told.map(([, name = '']) => name)
    const all = namesIn(helps.get('') ?? '').filter((name) => name !== 'models' && name !== 'task-host')
    const models = namesIn(helps.get('models') ?? '').map((name) => `models ${name}`)
    expect(names.toSorted()).to.deep.equal([...all, ...models].toSorted())
  })

  for (const name of ['topics', 'produce', 'consume', 'run', 'test']) {
    it(`sluice ${name} has the options that docs/command-line.md lists, and no others`, () => {
      const page = readPage('docs/command-line.md')
      const section = page.split('\n## ').find((part) => part.startsWith(`sluice ${name}`)) ?? ''
      const optionsIn = (text: string) =>
        new Set([...text.matchAll(/(?<![\w-])--[a-z][a-z-]+/g)].map(([option]) => option))
      const common = ['--bootstrap-servers', '--config', '--registry', '--help']
      const listed = optionsIn([...section.matchAll(/^\| .*$/gm)].join('\n'))
      const known = [...optionsIn(helps.get(name) ?? '')].filter((option) => !common.includes(option))
      expect([...listed].toSorted()).to.deep.equal(known.toSorted())
    })
  }
})
