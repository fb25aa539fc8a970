import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** States of sockets in `/proc/net/tcp`: 0A is LISTEN. */
const LISTEN = '0A'

/**
 * The addresses on which processes listen, as `127.0.0.1:8083`, `:::8083` or `00000000000000000000000001000000:…` in the
 * kernel's own form: from their file descriptors and /proc/net (Linux).
 */
export function listeningAddresses(pids: readonly number[]): string[] {
  const inodes = new Set(pids.flatMap(socketsOf))
  const four = tableOf('/proc/net/tcp').map((row) => ({ ...row, host: fourOf(row.host) }))
  const six = tableOf('/proc/net/tcp6').map((row) => ({ ...row, host: sixOf(row.host) }))
  return [...four, ...six]
    .filter(({ state, inode }) => state === LISTEN && inodes.has(inode))
    .map(({ host, port }) => `${host}:${port}`)
}

function socketsOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`
  return readdirSync(folder).flatMap((name) => {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${name}`))?.[1]
      return inode === undefined ? [] : [inode]
    } catch {
      return [] // closed meanwhile
    }
  })
}

function tableOf(file: string) {
  const lines = readFileSync(file, 'utf8').trim().split('\n').slice(1)
  return lines.map((line) => {
    const fields = line.trim().split(/\s+/)
    const [host = '', port = ''] = (fields[1] ?? '').split(':')
    return { host, port: Number.parseInt(port, 16), state: fields[3], inode: fields[9] ?? '' }
  })
}

/** Four bytes, the last one first. */
function fourOf(hex: string): string {
  return [...(hex.match(/../g) ?? [])]
    .reverse()
    .map((byte) => Number.parseInt(byte, 16))
    .join('.')
}

/** Loopback and what IPv4 has there (Java listens so) by name; anything else as it stands. */
function sixOf(hex: string): string {
  if (hex === '00000000000000000000000001000000') return '[::1]'
  return hex.startsWith('0000000000000000FFFF0000') ? fourOf(hex.slice(24)) : `[${hex}]`
}
