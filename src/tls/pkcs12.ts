import { createPrivateKey, X509Certificate } from 'node:crypto'
import forge from 'node-forge'
import { messageOf } from '../api/errors.ts'
import { pemOf } from './pem.ts'
import { type StoreContent, StoreError } from './store-content.ts'

/**
 * Reads a PKCS#12 store, those of old Java with RC2 and trust stores without a key too, which Node's own `pfx` does not.
 * @throws StoreError
 */
export function readPkcs12(file: Buffer, password: string | undefined): StoreContent {
  const bags = open(file, password).safeContents.flatMap(({ safeBags }) => safeBags)
  const certificates = bags.filter(({ type }) => type === forge.pki.oids['certBag']).map(certificate)
  const found = bags.find(({ type }) => KEY_BAGS.includes(type))
  if (found === undefined) return { certificates, key: null }
  const privateKey = keyOf(found)
  const leaf = certificates.find((pem) => belongs(pem, privateKey))
  if (leaf === undefined) throw new StoreError('has a private key, but no certificate for it')
  const chain = chainOf(leaf, certificates)
  return {
    certificates: certificates.filter((pem) => !chain.includes(pem)),
    key: { privateKey: () => privateKey, chain },
  }
}

const KEY_BAGS = [forge.pki.oids['keyBag'], forge.pki.oids['pkcs8ShroudedKeyBag']]

function open(file: Buffer, password: string | undefined): forge.pkcs12.Pkcs12Pfx {
  let content: forge.asn1.Asn1
  try {
    content = forge.asn1.fromDer(file.toString('binary'))
  } catch (error) {
    throw new StoreError('is damaged, or no PKCS#12 at all', { cause: error })
  }
  try {
    return forge.pkcs12.pkcs12FromAsn1(content, false, password ?? '')
  } catch (error) {
    const wrong = /mac could not be verified|password|decrypt/i.test(messageOf(error))
    if (wrong && password === undefined) throw new StoreError('needs its password', { cause: error })
    throw new StoreError(
      wrong ? 'does not open: its password is wrong, or it is damaged' : 'is damaged, or no PKCS#12 at all',
      { cause: error },
    )
  }
}

function der(content: forge.asn1.Asn1): Buffer {
  return Buffer.from(forge.asn1.toDer(content).getBytes(), 'binary')
}

/** What is not RSA comes as it is in the file. */
function certificate({ cert, asn1 }: forge.pkcs12.Bag): string {
  return pemOf('CERTIFICATE', der(cert ? forge.pki.certificateToAsn1(cert) : asn1))
}

function keyOf({ key, asn1 }: forge.pkcs12.Bag): string {
  return key
    ? pemOf('RSA PRIVATE KEY', der(forge.pki.privateKeyToAsn1(key)))
    : pemOf('PRIVATE KEY', der(asn1))
}

function belongs(certificatePem: string, privateKey: string): boolean {
  return new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(privateKey))
}

/** A certificate and those that sign it, as a TLS server wants to see them. */
function chainOf(leaf: string, others: readonly string[]): string[] {
  const chain = [leaf]
  for (let at = leaf; ;) {
    const current = new X509Certificate(at)
    const issuer = others.find((pem) => !chain.includes(pem) && current.checkIssued(new X509Certificate(pem)))
    if (issuer === undefined) return chain
    chain.push((at = issuer))
  }
}
