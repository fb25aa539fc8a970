import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export const STORE_PASSWORD = 'store-secret-1'
export const KEY_PASSWORD = 'key-secret-2'

/** Files by name, in one folder. */
export interface Certificates {
  readonly folder: string
  readonly file: (name: string) => string
}

/**
 * Keys, certificates and stores for a broker and its clients, made by openssl and keytool as people make them: an authority
 * `ca`, certificates of it for `localhost` (`broker`), for another host (`wrong-host`), of the past (`expired`) and of a
 * client (`client`), and of an authority that nobody trusts (`stranger`).
 */
export async function makeCertificates(folder: string): Promise<Certificates> {
  await mkdir(folder, { recursive: true })
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder })
  const keytool = (...args: string[]) => run('keytool', args, { cwd: folder })
  await Promise.all(['ca', 'other-ca'].map((name) => authority(openssl, name)))
  await writeFile(path.join(folder, 'index.txt'), '')
  await writeFile(path.join(folder, 'ca.conf'), CA_CONFIG)
  await signed(openssl, 'broker', { san: 'DNS:localhost' })
  await signed(openssl, 'wrong-host', { san: 'DNS:kafka.example' })
  await signed(openssl, 'client', { san: 'DNS:client' })
  await signed(openssl, 'stranger', { san: 'DNS:localhost', ca: 'other-ca' })
  await expired(openssl)
  await Promise.all(
    ['broker', 'wrong-host', 'client', 'stranger', 'expired'].map((name) => store(openssl, name)),
  )
  await clientStores(openssl, keytool)
  return { folder, file: (name) => path.join(folder, name) }
}

type Tool = (...args: string[]) => Promise<unknown>

/** Of `openssl ca`, which alone of OpenSSL 3.0's tools makes a certificate of the past. */
const CA_CONFIG = `[ca]
default_ca=own
[own]
database=index.txt
new_certs_dir=.
rand_serial=yes
default_md=sha256
policy=any
copy_extensions=copy
[any]
commonName=supplied
`

async function authority(openssl: Tool, name: string): Promise<void> {
  const subject = ['-subj', `/CN=${name}`]
  await openssl(
    'req',
    '-x509',
    ...NEW_KEY,
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.pem`,
    '-days',
    '30',
    ...subject,
  )
}

const NEW_KEY = ['-newkey', 'rsa:2048', '-nodes']

async function request(openssl: Tool, name: string, san: string): Promise<void> {
  const what = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${san}`]
  await openssl('req', ...NEW_KEY, '-keyout', `${name}.key`, '-out', `${name}.csr`, ...what)
}

async function signed(
  openssl: Tool,
  name: string,
  { san, ca = 'ca' }: { san: string; ca?: string },
): Promise<void> {
  await request(openssl, name, san)
  const by = ['-CA', `${ca}.pem`, '-CAkey', `${ca}.key`, '-CAcreateserial', '-copy_extensions', 'copy']
  await openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-out', `${name}.pem`, '-days', '20')
}

async function expired(openssl: Tool): Promise<void> {
  await request(openssl, 'expired', 'DNS:localhost')
  const dates = ['-startdate', '20200101000000Z', '-enddate', '20200201000000Z']
  const by = ['-config', 'ca.conf', '-cert', 'ca.pem', '-keyfile', 'ca.key', '-batch', '-notext']
  await openssl('ca', ...by, '-in', 'expired.csr', '-out', 'expired.pem', ...dates)
}

async function store(openssl: Tool, name: string): Promise<void> {
  const content = ['-inkey', `${name}.key`, '-in', `${name}.pem`, '-certfile', 'ca.pem', '-name', name]
  await openssl('pkcs12', '-export', ...content, '-out', `${name}.p12`, '-passout', `pass:${STORE_PASSWORD}`)
}

async function clientStores(openssl: Tool, keytool: Tool): Promise<void> {
  const password = ['-storepass', STORE_PASSWORD, '-noprompt']
  const trust = ['-importcert', '-alias', 'ca', '-file', 'ca.pem', ...password]
  const from = ['-srckeystore', 'client.p12', '-srcstoretype', 'PKCS12', '-srcstorepass', STORE_PASSWORD]
  const asJks = ['-destkeystore', 'client.jks', '-deststoretype', 'JKS', '-deststorepass', STORE_PASSWORD]
  const asOld = ['pkcs12', '-export', '-legacy', '-nokeys', '-in', 'ca.pem', '-out', 'old-trust.p12']
  await Promise.all([
    keytool(...trust, '-keystore', 'trust.jks', '-storetype', 'JKS'),
    keytool(...trust, '-keystore', 'trust.p12', '-storetype', 'PKCS12'),
    keytool(
      '-importkeystore',
      ...from,
      ...asJks,
      '-srcalias',
      'client',
      '-destkeypass',
      KEY_PASSWORD,
      '-noprompt',
    ),
    // As Java up to 8 wrote them: certificates sealed with RC2 of 40 bits.
    openssl(...asOld, '-passout', `pass:${STORE_PASSWORD}`),
    openssl(
      'pkcs8',
      '-topk8',
      '-v2',
      'aes-256-cbc',
      '-in',
      'client.key',
      '-out',
      'client-sealed.key',
      '-passout',
      `pass:${KEY_PASSWORD}`,
    ),
  ])
}
