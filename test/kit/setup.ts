import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { startConsul } from '../../scripts/agent.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** An agent that all tests share; those that break theirs start one of their own. */
    consulAddress: string
  }
}

/** Builds the executable and starts the shared agent, before any test; returns what stops it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const build = fileURLToPath(new URL('../../build.mjs', import.meta.url))
  execFileSync(process.execPath, [build], { stdio: ['ignore', 'inherit', 'inherit'] })
  const agent = await startConsul({ mode: 'dev' })
  project.provide('consulAddress', agent.address)
  return () => agent.stop()
}
