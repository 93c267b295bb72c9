import type { HostFacts } from './host-facts.ts'

/**
 * The failures that stop a host from beginning; `undefined` when there are no more hosts with some than there may be.
 */
export function tooManyFailures(facts: HostFacts, target: string): string | undefined {
  const { host, failed, unhealthy, versions, unchanged, stopOn, maxFailures } = facts
  const counts = (other: string, version: string | undefined) =>
    other !== host && (stopOn === 'any' || (version === target && !unchanged.has(other)))
  const records = failed
    .filter((record) => counts(record.host, record.version ?? target))
    .map(({ host, why }) => ({ host, what: `${host} failed (${why})` }))
  const checks = [...unhealthy]
    .filter(([node]) => counts(node, versions.get(node)))
    .map(([node, names]) => ({ host: node, what: `${node} is unhealthy (${names.join(', ')})` }))
  const failures = [...records, ...checks]
  const hosts = new Set(failures.map(({ host }) => host)).size
  if (hosts <= maxFailures) return undefined
  const limit = maxFailures === 0 ? '' : `${hosts} hosts have failed, ${maxFailures} may: `
  return limit + listed(failures.map(({ what }) => what))
}

/** The hosts that go first and haven't come to the version well; `undefined` when there are none. */
export function missingFirst(facts: HostFacts, target: string): string | undefined {
  return someOf(facts.first.flatMap((host) => notYet(facts, target, host)))
}

/** The hosts of the roles before this one's that haven't; `undefined` when there are none. */
export function missingDependencies(facts: HostFacts, target: string): string | undefined {
  const missing = facts.dependsOn.flatMap((role) => {
    const hosts = [...facts.versions.keys()].filter((host) => facts.roleOf(host) === role && host !== facts.host)
    return hosts.length === 0 ? [`a host of the role ${role}`] : hosts.flatMap((host) => notYet(facts, target, host))
  })
  return someOf(missing)
}

function notYet({ versions, unhealthy, unchanged }: HostFacts, target: string, host: string): string[] {
  const version = versions.get(host)
  if (version !== target) return [`${host} (${version === undefined ? 'never seen' : `runs ${version}`})`]
  const names = unchanged.has(host) ? undefined : unhealthy.get(host)
  return names ? [`${host} (unhealthy: ${names.join(', ')})`] : []
}

function someOf(names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : listed(names)
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ')
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown
}
