import { spawn } from 'node:child_process'
import { inject } from 'vitest'
import { findConsul } from '../../scripts/provide/find-consul.ts'
import { lockerEnvironment, Running } from './locker.ts'

/** `consul lock` at the tests' Consul: it passes standard input on to its command, and exits with that one's code. */
export async function consulLock(...args: string[]): Promise<Running> {
  const words = ['lock', `-http-addr=${inject('consulAddress')}`, '-child-exit-code', '-pass-stdin', ...args]
  return new Running(spawn(await findConsul(), words, { env: lockerEnvironment({}), stdio: ['pipe', 'pipe', 'pipe'] }))
}
