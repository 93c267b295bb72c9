import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseCLI, type TestProject } from 'vitest/node'
import { startConsul } from '../../scripts/provide/agent.ts'
import { chromiumProgram } from '../../scripts/provide/chromium.ts'
import { program } from '../../scripts/provide/debian.ts'
import { wordsIn } from '../../scripts/provide/needed-packages.ts'

/** Large packages, by a program of theirs: a test that has to unpack one for all others runs out of its time. */
const SERVERS = {
  'redis-server': 'redis-server',
  pg_ctl: 'postgresql-15',
  mariadbd: 'mariadb-server',
  nginx: 'nginx',
  haproxy: 'haproxy',
  promtool: 'prometheus',
  'prometheus-node-exporter': 'prometheus-node-exporter',
} as const

/** Whoever has a browser imports this. */
const CHROMIUM = '../../scripts/provide/chromium.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** An agent that all tests share; those that break theirs start one of their own. */
    consulAddress: string
  }
}

/**
 * Builds the executable, provides the servers that these files need, and starts the shared agent, before any test;
 * returns what stops it.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const build = fileURLToPath(new URL('../../build.mjs', import.meta.url))
  execFileSync(process.execPath, [build], { stdio: ['ignore', 'inherit', 'inherit'] })
  const { filter } = parseCLI(['vitest', ...process.argv.slice(2)])
  const { testFiles } = await project.globTestFiles(filter)
  const needed = wordsIn(testFiles, [...Object.values(SERVERS), CHROMIUM])
  for (const [name, from] of Object.entries(SERVERS)) if (needed.includes(from)) await program(name, from)
  if (needed.includes(CHROMIUM)) await chromiumProgram()
  // The files that run beside each other are one client to it, and have more than the 200 connections of a default.
  const agent = await startConsul({ mode: 'dev', config: { limits: { http_max_conns_per_client: 5000 } } })
  project.provide('consulAddress', agent.address)
  return () => agent.stop()
}
