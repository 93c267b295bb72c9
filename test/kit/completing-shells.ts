import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll } from 'vitest'
import { ConsulClient } from './consul-client.ts'
import { LOCKER, lockerEnvironment } from './locker.ts'
import { Terminal } from './terminal.ts'
import { uniqueName } from './unique.ts'

/** A lock of which a history stands in Consul, and the beginning of its name, which no other lock's has. */
export const KNOWN_LOCK = uniqueName('completion')

export const BEGINNING = KNOWN_LOCK.slice(0, -2)

/** A service with the same beginning. */
export const SERVICE = `${BEGINNING}-service`

export const PATH = [dirname(LOCKER), process.env.PATH].join(delimiter)

/** What is typed before the Tab key, and what stands there then. */
export const LINES = [
  ['consul-locker unlo', 'consul-locker unlock'],
  ['consul-locker leader step-', 'consul-locker leader step-down'],
  ['consul-locker --conflict', 'consul-locker --conflict-exit-code'],
  ['consul-locker hold --log-format=js', 'consul-locker hold --log-format=json'],
  ['consul-locker hold --log-format js', 'consul-locker hold --log-format json'],
  ['consul-locker wait --once servi', 'consul-locker wait --once service:'],
  [`consul-locker status ${BEGINNING}`, `consul-locker status ${KNOWN_LOCK}`],
  [`consul-locker hosts --label ${BEGINNING}`, `consul-locker hosts --label ${SERVICE}`],
  [`consul-locker wait service:${BEGINNING}`, `consul-locker wait service:${SERVICE}`],
  [`consul-locker --also=${BEGINNING}`, `consul-locker --also=${KNOWN_LOCK}`],
  ['consul-locker --wait 5s x cat only-o', 'consul-locker --wait 5s x cat only-one'],
  ['consul-locker wait a:b -- cat only-o', 'consul-locker wait a:b -- cat only-one'],
  ['consul-locker x unsha', 'consul-locker x unshare'],
  ['consul-locker --report-file only-o', 'consul-locker --report-file only-one'],
] as const

beforeAll(async () => {
  await promisify(execFile)(LOCKER, [KNOWN_LOCK, 'true'], { env: lockerEnvironment({}) })
  await new ConsulClient().request('PUT', '/agent/service/register', JSON.stringify({ Name: SERVICE }))
})

afterAll(() => new ConsulClient().request('PUT', `/agent/service/deregister/${SERVICE}`))

/** Types each line at a shell's prompt, and sees what the Tab key makes of it. */
export async function types(terminal: Terminal, [typed, completed]: readonly [string, string]): Promise<void> {
  await terminal.type(typed)
  await terminal.press('Tab')
  await terminal.shows(new RegExp(`\\[0\\]> ${completed}`))
  await terminal.press('C-u')
  await terminal.shows(/\[0\]>/)
}

export async function terminalWithFile(): Promise<Terminal> {
  const terminal = await Terminal.open({ env: { PATH } })
  writeFileSync(join(terminal.dir, 'only-one'), '')
  return terminal
}
