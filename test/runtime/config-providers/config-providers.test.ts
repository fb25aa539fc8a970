import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { MASK, withoutCredentials } from '../../../src/api/credentials.ts'
import { messageOf } from '../../../src/api/errors.ts'
import { ConfigProviders, readProviders } from '../../../src/runtime/config-providers/config-providers.ts'
import { ask } from '../../../src/runtime/config-providers/open-provider.ts'
import { resolveSecretly } from '../../../src/runtime/config-providers/resolve-secretly.ts'
import { splitReferences } from '../../../src/runtime/config-providers/references.ts'
import { loadPackages } from '../../../src/runtime/plugins/plugin-packages.ts'
import { writePackage } from '../../support/plugin-package.ts'

const JAVA = 'org.apache.kafka.common.config.provider'

function open(settings: Readonly<Record<string, string>>): ConfigProviders {
  const { problems, providers } = readProviders(new Map(Object.entries(settings)))
  expect(problems).to.deep.equal([])
  return new ConfigProviders(providers)
}

describe('config providers', () => {
  let folder: string
  let secrets: string
  let all: ConfigProviders
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-providers-'))
    secrets = path.join(folder, 'secrets.properties')
    await writeFile(
      secrets,
      '# of the database\ndb.password = hunter2 \\\n  continued\ncolon:b:c=at\nempty=\n',
    )
    await mkdir(path.join(folder, 'mounted'))
    await writeFile(path.join(folder, 'mounted/password'), 'line one\n')
    await writeFile(path.join(folder, 'outside'), 'OUTSIDE')
    await symlink(path.join(folder, 'outside'), path.join(folder, 'mounted/link'))
    process.env['SLUICE_TEST_A'] = 'from the environment'
    all = open({
      'config.providers': 'file, directory,env',
      'config.providers.file.class': `${JAVA}.FileConfigProvider`,
      'config.providers.directory.class': 'DirectoryConfigProvider',
      'config.providers.directory.param.allowed.paths': path.join(folder, 'mounted'),
      'config.providers.env.class': `${JAVA}.EnvVarConfigProvider`,
      'config.providers.env.param.allowlist.pattern': 'SLUICE_TEST_.',
    })
  })
  after(async () => {
    delete process.env['SLUICE_TEST_A']
    await rm(folder, { recursive: true })
  })

  const resolved = async (value: string) => (await all.resolve({ key: value }, 'Connector c')).config['key']
  const refusal = (value: string) =>
    resolved(value).then(
      (text) => expect.fail(`${value} became ${text ?? ''}`),
      (error: unknown) => messageOf(error),
    )

  it('put values in the place of references, within a text too', async () => {
    expect(await resolved(`\${file:${secrets}:db.password}`)).to.equal('hunter2 continued')
    expect(await resolved(`a \${env:SLUICE_TEST_A}, \${file:${secrets}:empty}b`)).to.equal(
      'a from the environment, b',
    )
    expect(await resolved(`\${directory:${folder}/mounted:password}`)).to.equal('line one\n')
  })

  it('leave every other text in braces as it is', async () => {
    for (const text of ['${topic}', '${date:now:yyyy}', '${vault:a:b}', '${env:SLUICE_TEST_A', '$${', '${}'])
      expect(await resolved(text)).to.equal(text)
    expect(await resolved('${other:${env:SLUICE_TEST_A}')).to.equal('${other:from the environment')
    const { config } = await all.resolve({ name: '${env:SLUICE_TEST_A}' }, 'Connector c')
    expect(config['name']).to.equal('${env:SLUICE_TEST_A}')
  })

  it('do not resolve what a value refers to', async () => {
    process.env['SLUICE_TEST_B'] = '${env:SLUICE_TEST_A}'
    expect(await resolved('${env:SLUICE_TEST_B}')).to.equal('${env:SLUICE_TEST_A}')
    delete process.env['SLUICE_TEST_B']
  })

  it('take a key with colons, as the path ends at the second one', () => {
    expect(splitReferences('x${file:/a:b:c}', new Set(['file']))).to.deep.equal([
      'x',
      { text: '${file:/a:b:c}', provider: 'file', path: '/a', key: 'b:c' },
    ])
  })

  it('take time that is linear in the length of a value', () => {
    const measure = (length: number) => {
      const text = '${file:'.repeat(length)
      const started = performance.now()
      for (let i = 0; i < 5; i++) splitReferences(text, new Set(['file']))
      return performance.now() - started
    }
    measure(1000)
    expect(measure(100_000) / Math.max(1, measure(10_000))).to.be.lessThan(60)
  })

  it('name the owner, the key, the provider and the reason where there is no value', async () => {
    expect(await refusal(`\${file:${secrets}:db.user}`)).to.equal(
      `key: Connector c: config provider file gives nothing for \${file:${secrets}:db.user}: ${secrets} has no key "db.user".`,
    )
    expect(await refusal('${file:/nowhere:a}')).to.include('/nowhere cannot be read (ENOENT)')
    expect(await refusal('${file:relative:a}')).to.include('relative is not an absolute path')
    expect(await refusal(`\${file:${folder}:a}`)).to.include('is not a file')
    expect(await refusal('${env:SLUICE_TEST_C}')).to.include('"SLUICE_TEST_C" is not there, or not allowed')
    expect(await refusal('${env:PATH}')).to.include('"PATH" is not there, or not allowed')
    expect(await refusal('${env:a:PATH}')).to.include('a variable has no path')
  })

  it('read no file outside of their allowed paths', async () => {
    for (const file of ['mounted:link', 'mounted:../outside', ':outside', 'mounted/..:outside', 'mounted:.'])
      expect(await refusal(`\${directory:${folder}/${file}}`)).not.to.include('OUTSIDE')
    const named = await refusal(`\${directory:${folder}/mounted:../outside}`)
    expect(named).to.include('is not the name of a file')
  })

  it('are named by the settings of a worker, all problems at once', () => {
    const { problems } = readProviders(
      new Map([
        ['config.providers', 'a,b,c,d'],
        ['config.providers.a.class', 'io.strimzi.kafka.KubernetesSecretConfigProvider'],
        ['config.providers.b.class', `${JAVA}.FileConfigProvidr`],
        ['config.providers.d.class', 'FileConfigProvider'],
        ['config.providers.d.param.allowed.paths', 'relative'],
        ['config.providers.d.param.allowed.path', '/a'],
        ['config.providers.e.class', 'FileConfigProvider'],
      ]),
    )
    expect(problems.map(({ path: key, message }) => `${key} ${message}`)).to.have.length(6)
    expect(problems[0]?.message).to.match(
      /^There is no config provider "io.strimzi.kafka.KubernetesSecretConfigProvider". The nearest names: (\w+, ){2}\w+\./,
    )
    expect(problems[0]?.message).to.include('Kubernetes')
    expect(problems[1]?.message).to.include('The nearest names: FileConfigProvider, ')
    expect(problems[2]?.message).to.include('is required')
    expect(problems.slice(3).map((each) => each.path)).to.deep.equal([
      'config.providers.d.param.allowed.paths',
      'config.providers.d.param.allowed.path',
      'config.providers.e.class',
    ])
  })

  it('hide what plugins are given in all that is shown, but not the topics', async () => {
    process.env['SLUICE_TEST_D'] = 'a&b "canary"'
    process.env['SLUICE_TEST_E'] = 'payments-of-a-test'
    const config = { 'transforms.a.b': 'x${env:SLUICE_TEST_D}', topics: '${env:SLUICE_TEST_E}' }
    const { topics } = await resolveSecretly(all, config)
    expect(topics).to.equal('payments-of-a-test')
    const shown = withoutCredentials(
      '"a&b \\"canary\\"" a&b "canary", a%26b%20%22canary%22 payments-of-a-test',
    )
    expect(shown).to.equal(`"${MASK}" ${MASK}, ${MASK} payments-of-a-test`)
    delete process.env['SLUICE_TEST_D']
    delete process.env['SLUICE_TEST_E']
  })

  describe('of packages', () => {
    const vault = (name: string, open: string): string => `
import { defineConfig, key } from 'sluice'
const config = defineConfig({ token: key.password({ doc: 'The token.' }) })
export default { kind: 'config-provider', name: '${name}', aliases: ['com.acme.${name}'], version: '3.0.0',
  summary: 'Gives what it is told.', config, open: ${open} }`
    const opened: readonly [string, string, RegExp?][] = [
      [
        'AcmeVault',
        '({ token }) => ({ get: async (path, keys) => new Map([...keys].map((k) => [k, [token, path, k].join()])) })',
      ],
      [
        'ThrowingVault',
        '() => { throw new Error("sealed") }',
        /ThrowingVault 3\.0\.0 of vaults 1\.0\.0 cannot be opened: sealed/,
      ],
      [
        'RefusingVault',
        '() => ({ get: async () => { throw new Error("no such path") } })',
        /: no such path\.$/,
      ],
      ['ListVault', '() => ({ get: async () => ["a"] })', /did not answer with a Map/],
      ['NumberVault', '() => ({ get: async () => new Map([["k", 1]]) })', /something that is no text/],
    ]
    let vaults: Promise<ConfigProviders>
    before(() => {
      vaults = loadVaults(opened.map(([name, open]) => [name, vault(name, open)] as const))
    })
    async function loadVaults(codes: readonly (readonly [string, string])[]): Promise<ConfigProviders> {
      const parts = await Promise.all(
        codes.map(([name, code]) => writePackage(folder, `vaults/${name}`, code, { name: 'vaults' })),
      )
      await loadPackages(parts, (problem) => expect.fail(problem.reason))
      return open({
        'config.providers': codes.map(([name]) => name).join(','),
        ...Object.fromEntries(
          codes.flatMap(([name]) => [
            [`config.providers.${name}.class`, `com.acme.${name}`],
            [`config.providers.${name}.param.token`, 't0ken'],
          ]),
        ),
      })
    }

    it('give values as those of Sluice do', async () => {
      const { config } = await (
        await vaults
      ).resolve({ a: '<${AcmeVault:secret/db:password}>' }, 'Connector c')
      expect(config).to.deep.equal({ a: '<t0ken,secret/db,password>' })
    })

    for (const [name, , reason] of opened.slice(1))
      it(`that give no values say why: ${name}`, async () => {
        const resolving = (await vaults).resolve({ a: `\${${name}:p:k}` }, 'Connector c')
        const said = await resolving.then(() => 'resolved', messageOf)
        expect(said)
          .to.match(/^a: Connector c: config provider \w+ gives nothing for /)
          .and.match(reason ?? /never/)
      })

    it('that never answer are not waited for', async () => {
      const silent = { get: () => new Promise<never>(() => undefined) }
      expect(await ask(silent, 'p', new Set(['k']), 5).then(() => 'answered', messageOf)).to.equal(
        'it gave no answer within 5 ms',
      )
    })

    it('have their parameters checked', () => {
      const settings = {
        'config.providers': 'v',
        'config.providers.v.class': 'AcmeVault',
        'config.providers.v.param.tokn': 'x',
      }
      const { problems } = readProviders(new Map(Object.entries(settings)))
      expect(problems.map((each) => each.path)).to.deep.equal([
        'config.providers.v.param.token',
        'config.providers.v.param.tokn',
      ])
    })

    it('that are missing in one process fail there, and their references never stay text', async () => {
      const missing = new ConfigProviders([{ name: 'v', className: 'GoneVault', params: {} }])
      const said = await missing.resolve({ a: '${v:p:k}' }, 'Connector c').then(() => 'resolved', messageOf)
      expect(said).to.include('There is no config provider "GoneVault"')
    })
  })
})
