/** Every setting of TLS that does something, by Kafka's name, as clients of brokers have them. */
export const TLS_KEYS = {
  'ssl.truststore.type': 'JKS, PKCS12 or PEM. Default: JKS, but the format of a file is seen by itself.',
  'ssl.truststore.location':
    'The file of the certificates that sign those of brokers. Default: the usual authorities.',
  'ssl.truststore.password': 'The password of that file.',
  'ssl.truststore.certificates': 'These certificates themselves, as PEM.',
  'ssl.keystore.type': 'JKS, PKCS12 or PEM, as ssl.truststore.type.',
  'ssl.keystore.location':
    'The file of the client’s own key and certificate, for brokers that ask for one (mutual TLS).',
  'ssl.keystore.password': 'The password of that file.',
  'ssl.keystore.key': 'The client’s own private key itself, as PEM.',
  'ssl.keystore.certificate.chain': 'The client’s own certificate with those that sign it, as PEM.',
  'ssl.key.password': 'The password of the private key; default: that of its file.',
  'ssl.endpoint.identification.algorithm':
    'Whether the certificate of a broker must be for the host that is connected to: https, or empty to accept any host.',
  'ssl.enabled.protocols': 'TLSv1.2, TLSv1.3 or both, which is the default.',
  'ssl.protocol': 'The newest TLS that is spoken: TLSv1.3, the default, or TLSv1.2.',
  'ssl.cipher.suites': 'The cipher suites that are allowed, by their standard names. Default: those of Node.',
} as const

export type TlsKey = keyof typeof TLS_KEYS

/** Those that hold a secret. */
export const TLS_SECRETS: readonly TlsKey[] = [
  'ssl.truststore.password',
  'ssl.keystore.password',
  'ssl.keystore.key',
  'ssl.key.password',
]
