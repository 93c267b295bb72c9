import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Running, startLocker } from './locker.ts'
import { scratch } from './unique.ts'

/** A dashboard that lives as long as its test. */
export interface ServedDashboard {
  /** Without a slash at its end. */
  readonly url: string
  readonly server: Running
}

export const SECRET = 'the-secret-of-the-tests'

/** Starts a dashboard of the Consul at this address. */
export async function startDashboard(
  address: string,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<ServedDashboard> {
  const server = startLocker(['dashboard', '--listen', '127.0.0.1:0', ...args], { address, env })
  const [, url = ''] = await server.says(/the dashboard is at (http:\S+)\/\n/)
  return { url, server }
}

/** The options for a secret. */
export function secretOptions(secret = SECRET): string[] {
  const file = join(scratch(), 'secret')
  writeFileSync(file, `${secret}\n`)
  return ['--secret-file', file]
}
