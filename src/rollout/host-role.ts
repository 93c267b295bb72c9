/** Roles by patterns of host names, as a rollout's file has them. */
interface RolePatterns {
  readonly role_patterns: Readonly<Record<string, readonly RegExp[]>>
}

/** The role of any host: the first one with a pattern that its name matches, or what the name tells by itself. */
export function roleOf({ role_patterns }: RolePatterns, host: string): string {
  const [role] = Object.entries(role_patterns).find(([, patterns]) => patterns.some((one) => one.test(host))) ?? []
  return role ?? roleInName(host)
}

/** The letters before a name's first digit (`cp12-x` is a `cp`), or all of the name. */
export function roleInName(host: string): string {
  return /([A-Za-z]+)\d/.exec(host)?.[1] ?? host
}
