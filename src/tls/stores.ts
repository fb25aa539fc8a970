import { readFile, stat } from 'node:fs/promises'
import { messageOf } from '../api/errors.ts'
import { JKS_MAGIC, readJks } from './jks.ts'
import { pemBlocks } from './pem.ts'
import { type StoreContent, StoreError } from './store-content.ts'

const JCEKS_MAGIC = 0xcececece
const DER_SEQUENCE = 0x30
/** A store has some certificates; more is no store. */
const LARGEST = 32 * 2 ** 20

export interface StoreFile {
  readonly location: string
  readonly type: 'JKS' | 'PKCS12' | 'PEM'
  readonly password: string | undefined
  readonly keyPassword: string | undefined
}

/**
 * Reads a store of whichever format it has: Java too takes a PKCS#12 file where JKS, its default, is configured.
 * @throws StoreError
 */
export async function readStore({ location, type, password, keyPassword }: StoreFile): Promise<StoreContent> {
  const file = await readBytes(location)
  try {
    const magic = file.length < 4 ? 0 : file.readUInt32BE()
    if (type === 'PEM') return readPem(file)
    if (magic === JKS_MAGIC) return readJks(file, password, keyPassword)
    if (magic === JCEKS_MAGIC)
      throw new StoreError('is of type JCEKS. Convert it: keytool -importkeystore -deststoretype PKCS12')
    if (file[0] !== DER_SEQUENCE) throw new StoreError(whatElse(file, type))
    const { readPkcs12 } = await import('./pkcs12.ts') // its library is large, and rarely needed
    return readPkcs12(file, password ?? keyPassword)
  } catch (error) {
    if (error instanceof StoreError) throw error
    throw new StoreError('is damaged', { cause: error })
  }
}

/** When a file was changed, for those who keep what it holds. @throws StoreError */
export async function changedAt(location: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(location)
    return `${mtimeMs} ${size} ${ino}`
  } catch (error) {
    throw unreadable(error)
  }
}

async function readBytes(location: string): Promise<Buffer> {
  try {
    const { size } = await stat(location)
    if (size > LARGEST) throw new StoreError('is no store: it is far too large')
    return await readFile(location)
  } catch (error) {
    if (error instanceof StoreError) throw error
    throw unreadable(error)
  }
}

function unreadable(error: unknown): StoreError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT') return new StoreError('does not exist', { cause: error })
  if (code === 'EACCES') return new StoreError('may not be read by this process', { cause: error })
  if (code === 'EISDIR') return new StoreError('is a folder', { cause: error })
  return new StoreError(`cannot be read: ${messageOf(error)}`, { cause: error })
}

function whatElse(file: Buffer, type: string): string {
  return file.includes('-----BEGIN ') ? `is PEM, not ${type}: set the type PEM` : `is neither JKS nor PKCS12`
}

function readPem(file: Buffer): StoreContent {
  const blocks = pemBlocks(file.toString('latin1'))
  if (blocks.length === 0) throw new StoreError('holds no PEM: no block begins with -----BEGIN')
  const certificates = blocks.filter(({ type }) => type === 'CERTIFICATE').map(({ text }) => text)
  const key = blocks.find(({ type }) => type.endsWith('PRIVATE KEY'))
  return { certificates, key: key === undefined ? null : { privateKey: () => key.text, chain: certificates } }
}
