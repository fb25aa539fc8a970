import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { codeOf } from './replace-file.ts'

/** Gives a file free for others. */
export type Release = () => void

/**
 * Claims a file for this process, on Linux: a name in the kernel (an abstract socket), which it takes back when the process
 * ends, however that happens. A lock file would outlive a SIGKILL. Undefined where another process of this machine, or
 * of this container, has the claim. Other systems have no such names: there each claim is granted.
 */
export async function claimFile(file: string): Promise<Release | undefined> {
  if (process.platform !== 'linux') return () => undefined
  const server = createServer((socket) => socket.destroy()).unref()
  server.listen(`\0sluice-${createHash('sha256').update(file).digest('hex')}`)
  try {
    await once(server, 'listening')
  } catch (error) {
    if (codeOf(error) === 'EADDRINUSE') return undefined
    throw error
  }
  return () => server.close()
}
