/** What somebody may do, the least first: look; run what is there; change what there is. */
export const ROLES = ['reader', 'operator', 'admin'] as const

export type Role = (typeof ROLES)[number]

export function roleOf(text: string): Role | undefined {
  return ROLES.find((role) => role === text)
}

/** Whether a role is enough where `needed` is asked for. */
export function allows(role: Role | null, needed: Role): boolean {
  return role !== null && ROLES.indexOf(role) >= ROLES.indexOf(needed)
}

/** The one of several that may do most; null of none. */
export function highest(roles: readonly Role[]): Role | null {
  return ROLES.findLast((role) => roles.includes(role)) ?? null
}

/** Roles by name; the name `*` stands for everybody who is not there. */
export type RoleTable = ReadonlyMap<string, Role>

/** What is wrong with one `name:role`, in words that go on from a setting's name. */
export function roleProblem(written: string): string | undefined {
  const at = written.lastIndexOf(':')
  return at > 0 && roleOf(written.slice(at + 1).trim()) !== undefined
    ? undefined
    : `must hold name:role, with a role of ${ROLES.join(', ')}`
}

/** A list of `name:role` that has no problem. */
export function roleTable(written: readonly string[]): RoleTable {
  return new Map(
    written.flatMap((each) => {
      const at = each.lastIndexOf(':')
      const role = roleOf(each.slice(at + 1).trim())
      return role === undefined ? [] : [[each.slice(0, at).trim(), role] as const]
    }),
  )
}

export function roleIn(table: RoleTable, name: string): Role | null {
  return table.get(name) ?? table.get('*') ?? null
}

/** Who asks, once that is proven. */
export interface Identity {
  readonly name: string
  /** Null: known, but allowed nothing. */
  readonly role: Role | null
  readonly by: 'password' | 'token' | 'certificate'
}

/** Names go into logs and headers. */
export function isName(text: string): boolean {
  return text !== '' && text.length <= 256 && !/\p{Cc}/u.test(text)
}
