import type { ConfigObjection } from '../config/config-file.ts'

/** What a rollout's file says of roles. */
interface RoleRules {
  readonly role?: string | undefined
  /** All roles of the fleet, when the file names them: who names another one means one of these. */
  readonly roles?: readonly string[] | undefined
  readonly role_patterns?: Readonly<Record<string, unknown>> | undefined
  readonly limits: { readonly roles: Readonly<Record<string, unknown>> }
  readonly depends_on: Readonly<Record<string, string | readonly string[]>>
}

/** A role that nobody has, or roles that wait for each other: hosts would wait for ever. */
export function objectionToRoles(rules: RoleRules): ConfigObjection | undefined {
  const { role, role_patterns = {}, limits, depends_on } = rules
  const named: [key: string, roles: readonly string[]][] = [
    ['role', role === undefined ? [] : [role]],
    ['role_patterns', Object.keys(role_patterns)],
    ['limits', Object.keys(limits.roles)],
    ['depends_on', Object.keys(depends_on).flatMap((one) => [one, ...dependenciesOf(rules, one)])],
  ]
  for (const [key, roles] of named) {
    const complaint = roles.map((one) => unknownRole(rules, one)).find((found) => found !== undefined)
    if (complaint !== undefined) return { key, complaint: `${key}: ${complaint}` }
  }
  const circle = cycleIn(rules)
  if (!circle) return undefined
  return { key: 'depends_on', complaint: `depends_on: these roles would wait for each other: ${circle.join(' > ')}` }
}

/** Why a role isn't one of those that the file names; `undefined` when it is, or the file names none. */
export function unknownRole({ roles }: Pick<RoleRules, 'roles'>, role: string): string | undefined {
  return roles === undefined || roles.includes(role) ? undefined : `${role} is none of the roles: ${roles.join(', ')}`
}

/** The roles that a role depends on. */
export function dependenciesOf({ depends_on }: Pick<RoleRules, 'depends_on'>, role: string): readonly string[] {
  const before = Object.hasOwn(depends_on, role) ? (depends_on[role] ?? []) : []
  return typeof before === 'string' ? [before] : before
}

/** Whether a role waits for another one, by way of others, too. Only for rules without a circle. */
export function dependsOn(rules: Pick<RoleRules, 'depends_on'>, role: string, other: string): boolean {
  return dependenciesOf(rules, role).some((before) => before === other || dependsOn(rules, before, other))
}

/** The first circle, with its beginning at its end again. */
function cycleIn(rules: RoleRules): string[] | undefined {
  const isDone = new Set<string>()
  const from = (role: string, way: readonly string[]): string[] | undefined => {
    if (way.includes(role)) return [...way.slice(way.indexOf(role)), role]
    if (isDone.has(role)) return undefined
    for (const before of dependenciesOf(rules, role)) {
      const circle = from(before, [...way, role])
      if (circle) return circle
    }
    isDone.add(role)
    return undefined
  }
  for (const role of Object.keys(rules.depends_on)) {
    const circle = from(role, [])
    if (circle) return circle
  }
  return undefined
}
