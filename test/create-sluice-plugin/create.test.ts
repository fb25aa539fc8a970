import { execFile, spawnSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { nodeProblem, sluiceProblem } from '../../create-sluice-plugin/src/checks.ts'
import { nameProblem, namesOf } from '../../create-sluice-plugin/src/names.ts'
import { compile, CREATE, CREATE_MAIN, linkPackages } from '../support/plugin-project.ts'
import { REPOSITORY } from '../support/process.ts'

const manifestOf = async (folder: string) =>
  JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8')) as Readonly<Record<string, unknown>>

describe('npm create sluice-plugin', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-create-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  const create = (...args: readonly string[]) => {
    const run = spawnSync(process.execPath, [CREATE_MAIN, ...args], { cwd: folder, encoding: 'utf8' })
    return { status: run.status, stdout: run.stdout, stderr: run.stderr }
  }

  it('writes a package under the name it is given, and says what to type next', async () => {
    const { status, stdout, stderr } = create('acme-weather')
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' })
    expect(stdout).to.contain('cd acme-weather\n  npm install\n  npm test\n  npm run dev')
    const project = path.join(folder, 'acme-weather')
    expect(await manifestOf(project)).to.include({ name: 'acme-weather' })
    const files = globSync('**/*', { cwd: project, withFileTypes: true }).filter((file) => file.isFile())
    const texts = await Promise.all(
      files.map(({ parentPath, name }) => readFile(path.join(parentPath, name), 'utf8')),
    )
    expect(texts.join('\n')).not.to.match(/my-?plugin/i)
    expect(texts.join('\n'))
      .to.contain("errorCode('acme-weather-sink'")
      .and.to.contain('"AcmeWeatherFolderSource"')
    expect(existsSync(path.join(project, '.gitignore'))).to.equal(true)
    expect(files.filter(({ name }) => name.startsWith('_'))).to.deep.equal([])
  })

  it('takes a name with a scope, which the folder has not, and Sluice from where it is told', async () => {
    await writeFile(path.join(folder, 'sluice.tgz'), '')
    expect(create('@acme/weather', '--sluice', 'file:../sluice.tgz').status).to.equal(0)
    const project = path.join(folder, 'weather')
    const { name, peerDependencies, devDependencies } = await manifestOf(project)
    expect({ name, peerDependencies }).to.deep.equal({
      name: '@acme/weather',
      peerDependencies: { sluice: '^0.1.0' },
    })
    expect(devDependencies).to.include({ sluice: 'file:../sluice.tgz' })
    expect(await readFile(path.join(project, 'README.md'), 'utf8')).to.contain(
      'npm install sluice ../weather/*.tgz',
    )
  })

  it('writes into a folder that is there and empty, and not into another', async () => {
    await mkdir(path.join(folder, 'empty'))
    expect(create('empty').status).to.equal(0)
    const { status, stdout, stderr } = create('empty')
    expect({ status, stdout }).to.deep.equal({ status: 1, stdout: '' })
    expect(stderr).to.equal(
      `create-sluice-plugin: ${path.join(folder, 'empty')} is not empty: take another name, or empty it\n`,
    )
    await writeFile(path.join(folder, 'a-file'), '')
    expect(create('a-file').stderr).to.match(
      /^create-sluice-plugin: \S+a-file cannot be used: ENOTDIR[^\n]*\n$/,
    )
  })

  it('shows its help, and says what it does not understand', () => {
    expect(create('--help').stdout).to.match(/^Usage: npm create sluice-plugin <name>\n/)
    expect(create('--help', 'acme')).to.include({ status: 0, stderr: '' })
    for (const [args, said] of [
      [[], /the name of the package is missing.\n\nUsage: /],
      [['My Plugin'], /"My Plugin" is no name for a package: use lower-case letters/],
      [['one', 'two'], /one name is enough, and these are 2\n/],
      [['acme', '--kind', 'sink'], /Unknown option '--kind'\. See npm create sluice-plugin -- --help\n/],
      [['acme', '--sluice'], /Option '--sluice <value>' argument missing\. See /],
      [['acme', '--sluice', 'file:'], /--sluice names no file: put the path of a tarball after file:\n/],
    ] as const) {
      const { status, stdout, stderr } = create(...args)
      expect({ status, stdout }, args.join(' ')).to.deep.equal({ status: 1, stdout: '' })
      expect(stderr)
        .to.match(/^create-sluice-plugin: /)
        .and.to.match(said)
    }
    expect(globSync('*', { cwd: folder })).to.deep.equal([])
  })

  it('looks for the file that it is to take Sluice from, and leaves the rest to npm', () => {
    const problem = (spec: string) => sluiceProblem(spec, '/no/acme')
    expect(problem(' ')).to.equal('--sluice is empty: name a version, or file: and the path of a tarball')
    expect(problem('file:s.tgz')).to.equal(
      '--sluice names /no/acme/s.tgz, which is not there: its path counts from the folder of the package',
    )
    expect(problem('../s.tgz')).to.contain('/no/s.tgz, which')
    expect(problem('file:///no/s.tgz')).to.contain(' /no/s.tgz, which')
    expect(sluiceProblem('file:names.ts', path.join(CREATE, 'src'))).to.equal(undefined)
    for (const spec of ['^0.1.0', 'next', 'file:~/s.tgz', 'git+ssh://host/sluice.git'])
      expect(problem(spec)).to.equal(undefined)
  })

  it('says which Node the package needs, on an older one', () => {
    for (const [present, tooOld] of [
      ['20.20.2', true],
      ['22.21.9', true],
      ['22.9.0', true],
      ['22.22.0', false],
      ['22.22.1', false],
      ['24.0.0', false],
    ] as const)
      expect(nodeProblem('>=22.22.0', present) !== undefined, present).to.equal(tooOld)
    expect(nodeProblem('>=22.22.0', '20.20.2')).to.match(
      /^the package needs Node 22\.22\.0 or newer, and this is 20\.20\.2; install a newer one from /,
    )
  })

  it('takes the names that npm takes', () => {
    for (const name of ['acme', '3d', 'a.b_c-d', '@acme/weather', 'a'.repeat(214)])
      expect(nameProblem(name), name).to.equal(undefined)
    for (const name of [
      '',
      '.',
      '..',
      'Acme',
      '-a',
      '_a',
      'a b',
      'a/b',
      '@a',
      '@/a',
      '@a/',
      '@a/b/c',
      '../a',
      'ä',
    ])
      expect(nameProblem(name), name).to.contain('no name for a package')
    for (const name of ['sluice', 'node_modules', 'fs', 'node:fs'.slice(5)])
      expect(nameProblem(name), name).to.contain('something else')
    expect(nameProblem('a'.repeat(215))).to.contain('214')
  })

  it('makes class names and error codes of any of them', () => {
    const made = (name: string) => [namesOf(name).prefix, namesOf(name).word]
    expect(made('acme-weather')).to.deep.equal(['AcmeWeather', 'acme-weather'])
    expect(made('@acme/sluice-weather-plugin')).to.deep.equal(['AcmeWeather', 'acme-weather'])
    expect(made('plugin')).to.deep.equal(['Plugin', 'plugin'])
    expect(made('sluice.plugin')).to.deep.equal(['Plugin', 'plugin'])
    expect(made('3d')).to.deep.equal(['Plugin3d', 'plugin-3d'])
    expect(made('a_b.c')).to.deep.equal(['ABC', 'a-b-c'])
  })

  it('is a package of the version of Sluice that it writes packages for, without dependencies', async () => {
    const { version } = await manifestOf(REPOSITORY)
    const own = await manifestOf(CREATE)
    expect(own).to.include({ version }).and.not.to.have.any.keys('dependencies', 'peerDependencies')
    const template = await readFile(path.join(CREATE, 'template/_package.json'), 'utf8')
    const { peerDependencies, devDependencies, engines } = JSON.parse(template) as Record<string, object>
    expect(peerDependencies).to.deep.equal({ sluice: `^${String(version)}` })
    expect(devDependencies).to.include({ sluice: `^${String(version)}` })
    expect(engines).to.deep.equal((await manifestOf(REPOSITORY))['engines'])
  })
})

describe('the package that npm create sluice-plugin writes', function () {
  this.timeout(60_000)
  let folder: string
  let project: string

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-created-'))
    project = path.join(folder, 'acme-weather')
    spawnSync(process.execPath, [CREATE_MAIN, 'acme-weather'], { cwd: folder })
    await linkPackages(project, ['sluice', 'typescript', '@types/node', 'undici-types'])
  })
  after(() => rm(folder, { recursive: true, force: true }))

  // Its types are checked with those of the checkout, and as its reader does in test/long/packaging.test.ts.
  it('is built, and passes its own tests without a Kafka', async () => {
    compile(project, '-p', 'tsconfig.build.json', '--noCheck')
    const runner = ['--test', '--test-reporter=tap', '--test-isolation=none', 'test/*.test.ts']
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=source', ...runner], {
      cwd: project,
    })
    expect(stdout)
      .to.match(/^# pass 9$/m)
      .and.to.match(/^# fail 0$/m)
  })
})
