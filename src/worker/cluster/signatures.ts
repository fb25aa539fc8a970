import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { SessionKey } from '../stores/config-state.ts'

/** By Java's names: the digest, and how many bytes Java's KeyGenerator gives a key where nobody says. */
const ALGORITHMS: Readonly<Record<string, { readonly digest: string; readonly keyBytes: number }>> = {
  HmacSHA256: { digest: 'sha256', keyBytes: 32 },
  HmacSHA384: { digest: 'sha384', keyBytes: 48 },
  HmacSHA512: { digest: 'sha512', keyBytes: 64 },
  HmacSHA224: { digest: 'sha224', keyBytes: 28 },
  'HmacSHA512/256': { digest: 'sha512-256', keyBytes: 32 },
  'HmacSHA512/224': { digest: 'sha512-224', keyBytes: 28 },
  HmacSHA1: { digest: 'sha1', keyBytes: 64 },
  HmacMD5: { digest: 'md5', keyBytes: 64 },
}

/** What settings may name. */
export const SIGNATURE_ALGORITHMS: readonly string[] = Object.keys(ALGORITHMS)

export const SIGNATURE_HEADER = 'x-connect-authorization'
export const ALGORITHM_HEADER = 'x-connect-request-signature-algorithm'

/** How long a key of an algorithm is; `bits` 0: Java's default. */
export function keyLength(algorithm: string, bits: number): number {
  return bits === 0 ? (ALGORITHMS[algorithm]?.keyBytes ?? 32) : Math.ceil(bits / 8)
}

export function newKey(algorithm: string, bits: number): Buffer {
  return randomBytes(keyLength(algorithm, bits))
}

/** The headers that sign a body. */
export function signed(body: Buffer, { key }: SessionKey, algorithm: string): Record<string, string> {
  return {
    [SIGNATURE_HEADER]: mac(body, key, algorithm).toString('base64'),
    [ALGORITHM_HEADER]: algorithm,
  }
}

/** Why a request is refused: not signed, by an algorithm that is not allowed here, or with another key. */
export type SignatureProblem = 'unsigned' | 'algorithm' | 'no key' | 'forged'

export interface Signature {
  readonly body: Buffer
  /** As the headers have them; undefined where a header is missing. */
  readonly signature: string | undefined
  readonly algorithm: string | undefined
}

export interface Verification {
  readonly key: SessionKey | undefined
  readonly allowed: readonly string[]
}

/** What is wrong with a signature, in Kafka Connect's order; undefined where it is right. */
export function signatureProblem(
  { body, signature, algorithm }: Signature,
  { key, allowed }: Verification,
): SignatureProblem | undefined {
  if (signature === undefined || algorithm === undefined) return 'unsigned'
  if (!allowed.includes(algorithm) || ALGORITHMS[algorithm] === undefined) return 'algorithm'
  if (key === undefined) return 'no key'
  const given = Buffer.from(signature, 'base64')
  const right = mac(body, key.key, algorithm)
  return given.length === right.length && timingSafeEqual(given, right) ? undefined : 'forged'
}

function mac(body: Buffer, key: Buffer, algorithm: string): Buffer {
  return createHmac(ALGORITHMS[algorithm]?.digest ?? algorithm, key)
    .update(body)
    .digest()
}
