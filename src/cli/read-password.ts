import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { CommandError } from '../api/errors.ts'

const SHORTEST = 8

/**
 * A password from standard input: asked for twice and not shown on a terminal, else all there is, without the last line break.
 * @throws CommandError where it is too short to be one, or the two differ
 */
export async function readPassword(question: string): Promise<string> {
  const { stdin } = process
  const password = stdin.isTTY ? await askedTwice(question) : (await text(stdin)).replace(/\r?\n$/, '')
  if (/[\r\n]/.test(password)) throw wrong('has more than one line')
  if (password.length < SHORTEST) throw wrong(`has fewer than ${SHORTEST} characters`)
  return password
}

async function askedTwice(question: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const terminal = createInterface({ input: process.stdin, output: nowhere, terminal: true })
  terminal.once('SIGINT', () => process.exit(130))
  try {
    process.stderr.write(question)
    const first = await terminal.question('')
    process.stderr.write('\nOnce more: ')
    const second = await terminal.question('')
    process.stderr.write('\n')
    if (first !== second) throw wrong('was not the same twice')
    return first
  } finally {
    terminal.close()
  }
}

function wrong(what: string): CommandError {
  return new CommandError('command.input', `The password ${what}`)
}
