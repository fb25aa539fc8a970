import { randomInt } from 'node:crypto'
import { connect, createServer } from 'node:net'
import { CommandError } from '../api/errors.ts'

const HOST = '127.0.0.1'

/** Below the ports that systems give to outgoing connections (32768 on Linux): nobody takes these by chance. */
const LOWEST = 15_000
const HIGHEST = 32_000

/** A TCP port of the loopback interface that was free a moment ago. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST)
    if (await isPortFree(port)) return port
  }
}

/** Whether a server can listen on the port now; looks at every interface, as a wildcard listener counts too. */
export async function isPortFree(port: number): Promise<boolean> {
  return (await canListen(port)) && !(await answers(port))
}

/** Throws one `dev.port` error that names every port that is taken or wanted twice, and the option that moves it. */
export async function requireFreePorts(
  wanted: readonly { readonly port: number; readonly what: string; readonly option: string }[],
): Promise<void> {
  const taken: string[] = []
  for (const [i, { port, what, option }] of wanted.entries()) {
    const other = wanted.slice(0, i).find((each) => each.port === port)
    if (other !== undefined) {
      taken.push(
        `port ${port} is wanted for both ${other.what} and ${what}: choose another with ${other.option} or ${option}`,
      )
    }
    if (await isPortFree(port)) continue
    taken.push(`port ${port} (${what}) is taken: stop what listens there, or choose another with ${option}`)
  }
  if (taken.length > 0) throw new CommandError('dev.port', taken.join('\n'))
}

async function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, HOST, () => server.close(() => resolve(true)))
  })
}

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST)
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}
