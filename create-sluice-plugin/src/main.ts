#!/usr/bin/env node
import path from 'node:path'
import { createInterface } from 'node:readline/promises'
import { parseArgs } from 'node:util'
import { nodeProblem, sluiceProblem } from './checks.ts'
import { createProject, Refusal } from './create.ts'
import { nameProblem, namesOf } from './names.ts'

const USAGE = `Usage: npm create sluice-plugin <name>

Writes a package of plugins for Sluice into a new folder: a source, a sink and a transform in TypeScript,
with tests that run without Kafka. <name> is that of the package: acme-weather, or @acme/weather.

Options:
  --sluice <spec>  what npm takes Sluice from, such as a version or file:../sluice-0.1.0.tgz
                   (from the new folder); npm create needs -- before it
  --help           shows this
`

interface Asked {
  readonly name: string | undefined
  readonly sluice: string | undefined
}

/** Undefined where help was asked for. @throws Refusal */
function asked(args: readonly string[]): Asked | undefined {
  try {
    const options = { help: { type: 'boolean', short: 'h' }, sluice: { type: 'string' } } as const
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
    if (values.help === true) return undefined
    if (positionals.length > 1) throw new Refusal(`one name is enough, and these are ${positionals.length}`)
    return { name: positionals[0], sluice: values.sluice }
  } catch (error) {
    if (error instanceof Refusal || !(error instanceof TypeError)) throw error
    throw new Refusal(`${error.message.replace(/\. .*$/s, '')}. See npm create sluice-plugin -- --help`)
  }
}

/** Asks for what is missing, where somebody is there to answer. */
async function askName(): Promise<string> {
  if (!process.stdin.isTTY) throw new Refusal(`the name of the package is missing.\n\n${USAGE}`)
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return (await terminal.question('Name of the package: ')).trim()
  } finally {
    terminal.close()
  }
}

async function main(args: readonly string[]): Promise<void> {
  const request = asked(args)
  if (request === undefined) {
    process.stdout.write(USAGE)
    return
  }
  const name = request.name ?? (await askName())
  const names = namesOf(name)
  const folder = path.resolve(names.base)
  const { sluice } = request
  const problem = nameProblem(name) ?? (sluice === undefined ? undefined : sluiceProblem(sluice, folder))
  if (problem !== undefined) throw new Refusal(problem)
  const { node } = await createProject(folder, { names, ...(sluice === undefined ? {} : { sluice }) })
  const next = [`cd ${names.base}`, 'npm install', 'npm test', 'npm run dev']
  process.stdout.write(`${names.base} has the package ${name}. Its README says how to try it:\n\n`)
  process.stdout.write(`${next.map((line) => `  ${line}`).join('\n')}\n`)
  const old = nodeProblem(node, process.versions.node)
  if (old !== undefined) process.stderr.write(`create-sluice-plugin: ${old}\n`)
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof Refusal)) throw error
  process.stderr.write(`create-sluice-plugin: ${error.message.trimEnd()}\n`)
  process.exitCode = 1
}
