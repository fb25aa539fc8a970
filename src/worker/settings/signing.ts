import type { ConfigProblem } from '../../api/errors.ts'

/** How workers sign what they ask of each other: `inter.worker.*`. */
export interface SigningSettings {
  /** Of new keys. */
  readonly keyAlgorithm: string
  /** In bits; 0: as Java has it for the algorithm. */
  readonly keySize: number
  /** Milliseconds; 0: a key is never replaced. */
  readonly keyTtl: number
  readonly signatureAlgorithm: string
  /** What is taken from others. */
  readonly verificationAlgorithms: readonly string[]
}

type SigningKey = `inter.worker.${
  'key.generation.algorithm' | 'key.size' | 'key.ttl.ms' | 'signature.algorithm' | 'verification.algorithms'}`

export function signingOf(read: (name: SigningKey) => string): SigningSettings {
  return {
    keyAlgorithm: read('inter.worker.key.generation.algorithm'),
    keySize: Number(read('inter.worker.key.size')),
    keyTtl: Number(read('inter.worker.key.ttl.ms')),
    signatureAlgorithm: read('inter.worker.signature.algorithm'),
    verificationAlgorithms: read('inter.worker.verification.algorithms')
      .split(',')
      .map((name) => name.trim()),
  }
}

/** A worker would sign what no other worker, set like it, takes. */
export function signingProblems(read: (name: SigningKey) => string): ConfigProblem[] {
  const { signatureAlgorithm, verificationAlgorithms } = signingOf(read)
  if (verificationAlgorithms.includes(signatureAlgorithm)) return []
  const path = 'inter.worker.verification.algorithms'
  const message = `must contain ${signatureAlgorithm}, the value of inter.worker.signature.algorithm.`
  return [{ path, message }]
}
