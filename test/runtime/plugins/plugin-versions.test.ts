import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { ConfigError, RequestError } from '../../../src/index.ts'
import {
  connectorOf,
  converterOf,
  predicateOf,
  transformOf,
} from '../../../src/runtime/plugins/configured-plugins.ts'
import { forgetLeftOut } from '../../../src/runtime/plugins/left-out.ts'
import { loadPackages } from '../../../src/runtime/plugins/plugin-packages.ts'
import { configInfos } from '../../../src/worker/configs/config-infos.ts'
import { checkConnectorConfig, unknownKeys } from '../../../src/worker/configs/connector-config.ts'
import { connectorClass, pluginKeys, pluginList } from '../../../src/worker/configs/plugin-catalogue.ts'
import { versionedCode, writePackage } from '../../support/plugin-package.ts'

/** A connector of packages, with a plugin of each kind, and what it adds to that. */
const config = (more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  name: 'a',
  topics: 't',
  'connector.class': 'VersionedSink',
  'value.converter': 'VersionedConverter',
  transforms: 'x',
  'transforms.x.type': 'VersionedTransform$Value',
  predicates: 'p',
  'predicates.p.type': 'VersionedPredicate',
  ...more,
})

describe('versions of a plugin side by side', () => {
  let folder: string
  const told: unknown[] = []

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-versions-'))
    const packages = [
      await writePackage(folder, 'middle', versionedCode('Versioned', '1.9.0', 'nine')),
      await writePackage(folder, 'newest', versionedCode('Versioned', '1.10.0', 'ten')),
      await writePackage(folder, 'oldest', versionedCode('Versioned', '1.0.0', 'one')),
      await writePackage(folder, 'same', versionedCode('Versioned', '1.9', 'twin')),
    ]
    await loadPackages(packages, (problem) => told.push(problem.reason))
  })
  after(async () => {
    forgetLeftOut()
    await rm(folder, { recursive: true })
  })

  const versions = (more: Readonly<Record<string, string>>): readonly string[] => {
    const raw = config(more)
    return [
      connectorOf(raw),
      converterOf(raw, 'value.converter'),
      transformOf(raw, 'x').plugin,
      predicateOf(raw, 'p'),
    ].map(({ version }) => version)
  }
  const problemsOf = (more: Readonly<Record<string, string>>) => checkConnectorConfig(config(more)).problems

  it('are told apart by their order: of one that is there already the second is left out', () => {
    expect(told).to.have.lengthOf(4)
    for (const reason of told)
      expect(reason).to.match(
        /^plugin Versioned\w+ 1\.9 is left out: middle 1\.0\.0 in .* has that version already$/,
      )
  })

  it('are the latest where none is named', () => {
    expect(versions({})).to.deep.equal(['1.10.0', '1.10.0', '1.10.0', '1.10.0'])
    expect(versions({ 'connector.plugin.version': 'latest' })[0]).to.equal('1.10.0')
  })

  it('are chosen by plugin.version, each for itself', () => {
    expect(
      versions({
        'connector.plugin.version': '1.9',
        'value.converter.plugin.version': '[1.0,1.5)',
        'transforms.x.plugin.version': '(,1.10)',
        'predicates.p.plugin.version': ' 1.0.0 ',
      }),
    ).to.deep.equal(['1.9.0', '1.0.0', '1.9.0', '1.0.0'])
  })

  it('are those of the connector’s own package where it has them and nothing else is named', () => {
    expect(versions({ 'connector.plugin.version': '1.0.0' })).to.deep.equal([
      '1.0.0',
      '1.0.0',
      '1.0.0',
      '1.0.0',
    ])
    expect(
      versions({ 'connector.plugin.version': '1.0.0', 'transforms.x.plugin.version': '[1.5,)' })[2],
    ).to.equal('1.10.0')
  })

  it('have the keys of their own version', () => {
    const keysOf = (version: string) =>
      checkConnectorConfig(
        config({ 'connector.plugin.version': version, 'transforms.x.plugin.version': version }),
      ).keys.map(({ name }) => name)
    expect(keysOf('1.0.0')).to.include.members(['one', 'transforms.x.one', 'predicates.p.one'])
    expect(keysOf('1.9.0')).to.include.members(['nine', 'transforms.x.nine']).and.not.include('one')
    const raw = config({ 'transforms.x.plugin.version': '1.9.0', 'value.converter.plugin.version': '1.9.0' })
    expect(unknownKeys(raw, checkConnectorConfig(raw).keys)).to.deep.equal([])
  })

  it('that are not there are an error of both keys, the class’s and the version’s, which names those that are', () => {
    const keys = [
      ['connector.class', 'connector.plugin.version', 'VersionedSink'],
      ['value.converter', 'value.converter.plugin.version', 'VersionedConverter'],
      ['transforms.x.type', 'transforms.x.plugin.version', 'VersionedTransform$Value'],
      ['predicates.p.type', 'predicates.p.plugin.version', 'VersionedPredicate'],
    ] as const
    for (const [path, version, name] of keys) {
      const message =
        `Plugin ${name} not found that matches the version range ` +
        '[2.0,3.0), available versions: [1.0.0, 1.9.0, 1.10.0]'
      const found = problemsOf({ [version]: '[2.0,3.0)' })
      expect(found.map((each) => each.path)).to.deep.equal([path, version])
      for (const each of found) expect(each.message).to.satisfy((text: string) => text.startsWith(message))
    }
  })

  it('that are no versions are refused in Maven’s words', () => {
    const path = 'transforms.x.plugin.version'
    expect(problemsOf({ [path]: '[2.0' })).to.deep.equal([
      {
        path,
        message: `Invalid value [2.0 for configuration ${path}: Unbounded range: [2.0. Give a version (1.2.3), a range ([1.0,2.0)) or latest.`,
      },
    ])
    expect(problemsOf({ [path]: '' }).map((each) => each.path)).to.deep.equal(['transforms.x.type', path])
    expect(() => connectorOf(config({ 'connector.plugin.version': '9' }))).to.throw(ConfigError)
  })

  it('of a converter that is not named are refused: the worker’s has the worker’s version', () => {
    const found = problemsOf({ 'key.converter.plugin.version': '1.0.0' })
    expect(found.map(({ message }) => message)).to.deep.equal([
      'key.converter.plugin.version names a version, but key.converter names no converter. Name it too, or remove the version.',
    ])
  })

  it('of what Sluice has itself are checked too', () => {
    const named = (version: string) => ({
      'connector.class': 'TopicSink',
      'target.topic': 'out',
      'connector.plugin.version': version,
      'header.converter': 'org.apache.kafka.connect.storage.SimpleHeaderConverter',
      'header.converter.plugin.version': version,
    })
    expect(problemsOf(named('(,2.0)'))).to.deep.equal([])
    expect(problemsOf(named('4.3.0')).map((each) => each.path)).to.deep.equal([
      'connector.class',
      'connector.plugin.version',
      'header.converter.plugin.version',
    ])
  })

  it('are all listed, the latest first, with the folder of each', () => {
    const found = pluginList(false).filter(({ class: name }) => name.startsWith('Versioned'))
    const lines = found.map(({ class: name, type, version, location }) =>
      [name, type, version, path.basename(location ?? '')].join(' '),
    )
    expect(lines).to.have.lengthOf(15)
    expect(lines).to.include.members(['VersionedTransform$Key transformation 1.9.0 middle'])
    expect(lines.slice(0, 3)).to.deep.equal([
      'VersionedSink sink 1.10.0 newest',
      'VersionedSink sink 1.9.0 middle',
      'VersionedSink sink 1.0.0 oldest',
    ])
  })

  it('show their own keys, and which versions there are', () => {
    const names = (className: string, version?: string) =>
      pluginKeys(className, version).map(({ name }) => name)
    expect(names('VersionedPredicate')).to.deep.equal(['ten'])
    expect(names('VersionedTransform$Value', '1.9.0')).to.deep.equal(['nine'])
    expect(names('VersionedSink', '(,1.5)')).to.include.members(['topics', 'one'])
    const shown = pluginKeys('VersionedSink', '1.0.0').find(({ name }) => name === 'connector.plugin.version')
    expect(shown?.default_value).to.equal('1.10.0')
    expect(() => names('VersionedSink', '7')).to.throw(
      RequestError,
      'available versions: [1.0.0, 1.9.0, 1.10.0]',
    )
    expect(() => names('VersionedSink', '[7')).to.throw(RequestError, 'Unbounded range')
    expect(() => names('VersionedSinc')).to.throw(
      'There is no plugin "VersionedSinc". The nearest names: VersionedSink, ',
    )
    const raw = config()
    const { configs } = configInfos('VersionedSink', raw, {
      ...checkConnectorConfig(raw),
      isReference: () => false,
    })
    const info = configs.find(({ value }) => value.name === 'transforms.x.plugin.version')
    expect(info?.value).to.include({ value: '1.10.0' })
    expect(info?.value.recommended_values).to.deep.equal(['1.0.0', '1.9.0', '1.10.0'])
  })

  it('are what a connector’s status says', () => {
    expect(connectorClass(config({ 'connector.plugin.version': '1.9.0' }))).to.deep.equal({
      type: 'sink',
      version: '1.9.0',
    })
    expect(connectorClass(config({ 'connector.plugin.version': '3' }))).to.deep.equal({
      type: 'unknown',
      version: null,
    })
  })
})
