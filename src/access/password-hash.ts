import { randomBytes, scrypt, type ScryptOptions, timingSafeEqual } from 'node:crypto'
import { UnavailableError } from '../api/errors.ts'
import { Slots } from '../api/slots.ts'

/** A salted hash of a password by scrypt (RFC 7914). */
export interface PasswordHash {
  /** Cost: memory is 128 · N · r bytes. */
  readonly n: number
  readonly r: number
  readonly p: number
  readonly salt: Buffer
  readonly hash: Buffer
}

/** 32 MiB and some tenths of a second: one of the settings that OWASP names as equal. */
const COST = { n: 2 ** 15, r: 8, p: 3 }
const MOST_MEMORY = 256 * 2 ** 20
const SALT_BYTES = 16
const HASH_BYTES = 32
const LONGEST_PASSWORD = 1024

/** As it is written into a file: `scrypt$32768$8$3$<salt>$<hash>`, in base64. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const hash = await derive(password, { ...COST, salt }, HASH_BYTES)
  const { n, r, p } = COST
  return ['scrypt', n, r, p, salt.toString('base64'), hash.toString('base64')].join('$')
}

/** Undefined where it is no such hash, or costs more than a request may. */
export function readHash(text: string): PasswordHash | undefined {
  const parts =
    /^scrypt\$(\d{1,7})\$(\d{1,2})\$(\d{1,2})\$([A-Za-z0-9+/]{11,}={0,2})\$([A-Za-z0-9+/]{22,}={0,2})$/
  const [found, n = '', r = '', p = '', salt = '', hash = ''] = parts.exec(text) ?? []
  if (found === undefined) return undefined
  const cost = { n: Number(n), r: Number(r), p: Number(p) }
  const isPower = cost.n >= 2 ** 10 && (cost.n & (cost.n - 1)) === 0
  if (!isPower || cost.r < 1 || cost.p < 1 || 128 * cost.n * cost.r > MOST_MEMORY || cost.p > 16)
    return undefined
  return { ...cost, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') }
}

/** For a name that is not there: to compare with it costs the same, and no password fits. */
export function unknownHash(like: PasswordHash | undefined): PasswordHash {
  const { n, r, p } = like ?? COST
  return { n, r, p, salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES) }
}

/** @throws UnavailableError where too many passwords are being compared already */
export async function isPassword(password: string, to: PasswordHash): Promise<boolean> {
  if (password.length > LONGEST_PASSWORD) return false
  const found = await derive(password, to, to.hash.length)
  return timingSafeEqual(found, to.hash)
}

/** At once; more would take all threads of the process, and 32 MiB each. */
const slots = new Slots(2)
const MOST_WAITING = 32

type Salted = Omit<PasswordHash, 'hash'>

async function derive(password: string, { n, r, p, salt }: Salted, length: number): Promise<Buffer> {
  if (slots.waiting >= MOST_WAITING)
    throw new UnavailableError('access.busy', 'Too many passwords are being checked. Try again.')
  const cost = { N: n, r, p, maxmem: 2 * MOST_MEMORY }
  return slots.run(() => scryptOf(password.normalize('NFC'), salt, length, cost))
}

function scryptOf(password: string, salt: Buffer, length: number, cost: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, length, cost, (error, key) => {
      if (error === null) resolve(key)
      else reject(error)
    })
  })
}
