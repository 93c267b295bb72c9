import { createRequire } from 'node:module'

/**
 * What the build was tried and measured with, and package.json pins. It relies on what nobody promises: on Node's
 * flags, snapshot, variables and layout (make-executable.ts, main/snapshot.ts, code-cache.ts, node-variables.ts,
 * atomics.ts), and on undici's files and parser (slim.ts, parser.ts). With others all that has to be tried and measured
 * again: CONTRIBUTING.md, "Upgrading Node or undici".
 */
export const PROVEN_WITH = { Node: 'v26.10.0', undici: '8.12.4' } as const

/** What is there. */
export function found(): Record<keyof typeof PROVEN_WITH, string> {
  return { Node: process.version, undici: createRequire(import.meta.url)('undici/package.json').version }
}

/** Throws for another Node or another undici than those that the build was tried with. */
export function refuseUnproven(versions = found()): void {
  for (const name of ['Node', 'undici'] as const) {
    if (versions[name] === PROVEN_WITH[name]) continue
    const what = `the build was tried with ${name} ${PROVEN_WITH[name]}, not with ${versions[name]}`
    throw new Error(`${what}: see CONTRIBUTING.md, "Upgrading Node or undici"`)
  }
}
