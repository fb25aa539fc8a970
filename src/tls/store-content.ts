/** What a key or trust store holds, as PEM. */
export interface StoreContent {
  /** Certificates without a key of their own. */
  readonly certificates: readonly string[]
  /** The first private key, opened when it is asked for, and its certificate with those that sign it. */
  readonly key: { privateKey(): string; readonly chain: readonly string[] } | null
}

/** A store cannot be read. The message goes on from its name: "has a private key with another password". */
export class StoreError extends Error {}
