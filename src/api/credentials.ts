/** What stands in place of a secret, as Kafka's Password type writes it. */
export const MASK = '[hidden]'

/** How keys end that hold a secret: `db.password`, `api.key`, `sasl.jaas.config`; not `key.converter`, `monkey`, `tokenizer`. */
const NAMES =
  'passw(?:or)?d|passphrase|secret|token|credentials?|user\\.?info|jaas\\.config|keystore\\.key|(?:api|private|access)[._-]?key'

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

/** Shorter ones stand in too many texts by chance. */
const SHORTEST_HIDDEN = 4
/** The longest first: one may stand in another. */
let hidden: readonly string[] = []

/** Hides a value that a config provider gave, wherever this process shows a text from now on. */
export function hideValue(value: string): void {
  const forms = [value, value.trim(), encodeURIComponent(value), JSON.stringify(value).slice(1, -1)]
  const fresh = forms.filter((form) => form.length >= SHORTEST_HIDDEN && !hidden.includes(form))
  if (fresh.length === 0) return
  hidden = [...new Set([...hidden, ...fresh])].toSorted((a, b) => b.length - a.length)
}

/** A text without hidden values and without the secrets in its URLs. */
export function withoutCredentials(text: string): string {
  return withoutUrlSecrets(hidden.reduce((shown, value) => shown.replaceAll(value, MASK), text))
}

/** A text without the secrets in its URLs: `http://user:password@host` and `…?password=…` keep `[hidden]` in their place. */
export function withoutUrlSecrets(text: string): string {
  const user = text.includes('@') && text.includes('://') ? text.replace(USER_INFO, `$1${MASK}@`) : text
  return user.includes('=') ? user.replace(PARAMETER, `$1${MASK}`) : user
}
