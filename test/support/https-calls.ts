import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect } from 'node:tls'
import { promisify } from 'node:util'
import type { Certificates } from './certificates.ts'

/** The HTTP status of an answer to curl, which trusts our authority; `exit 56` where there is no answer. */
export async function statusByCurl(
  certificates: Certificates,
  url: string,
  args: readonly string[],
): Promise<string> {
  const found = promisify(execFile)('curl', [
    ...['--silent', '--output', '/dev/null', '--write-out', '%{http_code}', '--max-time', '20'],
    ...['--cacert', certificates.file('ca.pem'), ...args, url],
  ])
  return found.then(
    ({ stdout }) => stdout,
    (error: unknown) => `exit ${error instanceof Error && 'code' in error ? String(error.code) : '?'}`,
  )
}

/** The common name in the certificate that a listener on this machine shows to our client. */
export function shownBy(certificates: Certificates, port: number): Promise<string> {
  const key = readFileSync(certificates.file('client.key'))
  const cert = readFileSync(certificates.file('client.pem'))
  return new Promise((resolve, reject) => {
    const socket = connect({ host: 'localhost', port, rejectUnauthorized: false, key, cert }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN))
      socket.destroy()
    })
    socket.once('error', reject)
  })
}
