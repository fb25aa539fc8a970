import type { RawConfig } from '../../api/config.ts'
import type { ConfigProblem } from '../../api/errors.ts'
import { readSasl, type SaslConfig } from './sasl-config.ts'
import { readTls, type TlsConfig } from '../../tls/tls-config.ts'

/** How a client talks to brokers, read from settings with Kafka's names. */
export interface SecurityConfig {
  /** Null: in clear. */
  readonly tls: TlsConfig | null
  /** Null: as nobody, or as the certificate says. */
  readonly sasl: SaslConfig | null
}

export interface ReadSecurity {
  readonly security: SecurityConfig
  readonly problems: readonly ConfigProblem[]
}

export const PLAINTEXT: SecurityConfig = { tls: null, sasl: null }

const PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']

/** Reads and checks what can be seen without files and brokers. Settings that the protocol does not need are not looked at. */
export function readSecurity(raw: RawConfig): ReadSecurity {
  const protocol = (raw['security.protocol']?.trim() || 'PLAINTEXT').toUpperCase()
  const problems: ConfigProblem[] = []
  if (!PROTOCOLS.includes(protocol)) {
    const message = `must be one of ${PROTOCOLS.join(', ')}, not "${protocol}".`
    return { security: PLAINTEXT, problems: [{ path: 'security.protocol', message }] }
  }
  const security = {
    tls: protocol.endsWith('SSL') ? readTls(raw, problems) : null,
    sasl: protocol.startsWith('SASL_') ? readSasl(raw, problems) : null,
  }
  return { security, problems }
}
