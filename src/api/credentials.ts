/** What stands in place of a secret, as Kafka's Password type writes it. */
export const MASK = '[hidden]'

/** How keys end that hold a secret: `db.password`, `api.key`, `sasl.jaas.config`; not `key.converter`, `monkey`, `tokenizer`. */
const NAMES =
  'passw(?:or)?d|passphrase|secret|token|credentials?|user\\.?info|jaas\\.config|(?:api|private|access)[._-]?key'

const SECRET_NAME = new RegExp(`(?:${NAMES}|(?:^|[._-])(?:pwd|pass|sig|signature))$`, 'i')

export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name)
}

/** Bounded, so that a text of a thousand beginnings costs no more than its length. */
const USER_INFO =
  /([A-Za-z0-9]:\/\/)(?:[^\s/@,"':?#]{0,200}:(?!\d{1,5}(?:[/?#,\s]|$))[^\s,"']{0,500}|[^\s/@,"'?#]{1,500})@/g
const PARAMETER = new RegExp(
  `([?&;](?:[A-Za-z0-9._-]{0,60}(?:${NAMES})|pwd|pass|sig|signature)=)[^&;\\s"']+`,
  'gi',
)

/** A text without the secrets in its URLs: `http://user:password@host` and `…?password=…` keep `[hidden]` in their place. */
export function withoutCredentials(text: string): string {
  const user = text.includes('@') && text.includes('://') ? text.replace(USER_INFO, `$1${MASK}@`) : text
  return user.includes('=') ? user.replace(PARAMETER, `$1${MASK}`) : user
}
