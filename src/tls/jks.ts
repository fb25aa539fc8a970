import { createHash, timingSafeEqual } from 'node:crypto'
import { pemOf } from './pem.ts'
import { type StoreContent, StoreError } from './store-content.ts'

export const JKS_MAGIC = 0xfeedfeed

const DIGEST_SIZE = 20
const KEY_ENTRY = 1
const CERTIFICATE_ENTRY = 2
/** Part of the digest of every JKS file, by its format. */
const SALT_WORDS = 'Mighty Aphrodite'
const VERSIONS = [1, 2]

/**
 * Reads a Java key store (JKS): big-endian, each entry a key with its chain or a certificate, at the end a SHA-1 over the
 * password and all before. Without a password it is read unchecked, as Java does.
 * @throws StoreError, whose message goes on from "The store"
 */
export function readJks(file: Buffer, password: string | undefined, keyPassword = password): StoreContent {
  if (password !== undefined) checkDigest(file, password)
  const reader = new Reader(file.subarray(0, -DIGEST_SIZE))
  reader.int() // the magic number
  const version = reader.int()
  if (!VERSIONS.includes(version)) throw new StoreError(`has version ${version} of JKS, which nobody knows`)
  const certificates: string[] = []
  let key: StoreContent['key'] = null
  for (let left = reader.int(); left > 0; left--) {
    const kind = reader.int()
    reader.text() // the alias
    reader.skip(8) // when it was made
    if (kind === CERTIFICATE_ENTRY) certificates.push(certificate(reader, version))
    else if (kind === KEY_ENTRY) {
      const sealed = reader.bytes()
      const chain = Array.from({ length: reader.count() }, () => certificate(reader, version))
      key ??= { privateKey: () => unseal(sealed, keyPassword), chain }
    } else throw new StoreError('is damaged: it has an entry of a kind that JKS does not have')
  }
  return { certificates, key }
}

function certificate(reader: Reader, version: number): string {
  const type = version === 1 ? 'X.509' : reader.text()
  if (type !== 'X.509')
    throw new StoreError(`has a certificate of type ${type.slice(0, 40)}; X.509 is needed`)
  return pemOf('CERTIFICATE', reader.bytes())
}

/** Java's char[]: two bytes each. */
function utf16(password: string): Buffer {
  return Buffer.from(password, 'utf16le').swap16()
}

function checkDigest(file: Buffer, password: string): void {
  const content = file.subarray(0, -DIGEST_SIZE)
  const digest = createHash('sha1').update(utf16(password)).update(SALT_WORDS).update(content).digest()
  const written = file.subarray(-DIGEST_SIZE)
  if (written.length !== digest.length || !timingSafeEqual(digest, written))
    throw new StoreError('does not open: its password is wrong, or it is damaged')
}

/** PKCS#8's EncryptedPrivateKeyInfo with Sun's own cipher: salt, the key xor a chain of SHA-1, and a SHA-1 to check. */
function unseal(sealed: Buffer, password: string | undefined): string {
  if (password === undefined) throw new StoreError('has a private key, which needs a password')
  const data = octets(sealed)
  const secret = utf16(password)
  const [salt, check] = [data.subarray(0, DIGEST_SIZE), data.subarray(-DIGEST_SIZE)]
  const plain = Buffer.from(data.subarray(DIGEST_SIZE, -DIGEST_SIZE))
  let block: Buffer = salt
  for (let at = 0; at < plain.length; at++) {
    if (at % DIGEST_SIZE === 0) block = createHash('sha1').update(secret).update(block).digest()
    plain[at] = plain[at]! ^ block[at % DIGEST_SIZE]!
  }
  if (!createHash('sha1').update(secret).update(plain).digest().equals(check))
    throw new StoreError('has a private key with another password')
  return pemOf('PRIVATE KEY', plain)
}

/** The octet string at the end of `SEQUENCE { algorithm, OCTET STRING }`. */
function octets(der: Buffer): Buffer {
  const sequence = element(der, 0)
  const algorithm = element(der, sequence.start)
  const { start, end } = element(der, algorithm.end)
  return der.subarray(start, end)
}

function element(der: Buffer, at: number): { readonly start: number; readonly end: number } {
  const first = der.readUInt8(at + 1)
  const extra = first < 0x80 ? 0 : first & 0x7f
  if (extra > 4) throw new StoreError('is damaged: a private key is no PKCS#8')
  const length = extra === 0 ? first : der.readUIntBE(at + 2, extra)
  const start = at + 2 + extra
  if (start + length > der.length) throw new StoreError('is damaged: a private key is cut off')
  return { start, end: start + length }
}

class Reader {
  readonly #data: Buffer
  #at = 0

  constructor(data: Buffer) {
    this.#data = data
  }

  int(): number {
    return this.#take(4).readUInt32BE()
  }

  /** How many certificates follow; each takes some bytes. */
  count(): number {
    const count = this.int()
    if (count > this.#data.length) throw new StoreError('is damaged: it ends too early')
    return count
  }

  text(): string {
    return this.#take(this.#take(2).readUInt16BE()).toString('utf8')
  }

  bytes(): Buffer {
    return this.#take(this.int())
  }

  skip(bytes: number): void {
    this.#take(bytes)
  }

  #take(bytes: number): Buffer {
    const end = this.#at + bytes
    if (end > this.#data.length) throw new StoreError('is damaged: it ends too early')
    const taken = this.#data.subarray(this.#at, end)
    this.#at = end
    return taken
  }
}
