import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { afterTest } from './after-test.ts'
import { ConsulClient } from './consul-client.ts'
import { patiently, runLocker, startLocker } from './locker.ts'
import { kill, processesWith } from './processes.ts'
import { type RootPlan, SmallRoot } from './small-root.ts'
import { uniqueName } from './unique.ts'

const ALL = ['sh', 'sed', 'grep', 'sleep']

/** Roots in which a guardian can do its work. */
export const SUFFICIENT: Readonly<Record<string, RootPlan>> = {
  'with all that it needs': { programs: ALL, proc: 'whole' },
  'whose /proc has nothing but processes': { programs: ALL, proc: 'subset=pid' },
  'whose /proc hides the processes of others': { programs: ALL, proc: 'hidepid=2', user: 65534 },
  'with a busybox and nothing else': { programs: ALL, proc: 'whole', busybox: true },
  'with a busybox, whose /proc has nothing but processes': { programs: ALL, proc: 'subset=pid', busybox: true },
}

/** Roots in which it can't, and what it says then. */
export const LACKING: Readonly<Record<string, readonly [RootPlan, string]>> = {
  'without sed': [{ programs: ['sh', 'grep', 'sleep'], proc: 'whole' }, 'needs sed'],
  'without grep': [{ programs: ['sh', 'sed', 'sleep'], proc: 'whole' }, 'needs grep'],
  'without sleep': [{ programs: ['sh', 'sed', 'grep'], proc: 'whole' }, 'needs sleep'],
  'without a shell': [{ programs: ['sed', 'grep', 'sleep'], proc: 'whole' }, 'needs /bin/sh'],
  'without /dev/null': [{ programs: ALL, proc: 'whole', devNull: false }, 'needs /dev/null'],
  'without /proc': [{ programs: ALL }, 'needs /proc/self/stat'],
}

/** A root whose shell is there and does nothing. */
export const BROKEN: readonly [RootPlan, string] = [
  { programs: ['sed', 'grep', 'sleep'], proc: 'whole', brokenShell: true },
  'no guardian could be kept alive',
]

const BEAT = 'while :; do echo "holder beats" >>/log/log; sleep 0.05; done'

/** What happens to a holder, by name: what its command does, what is done to it, and which code it ends with. */
export const HOLDER_STORIES = {
  'its command ends': { script: 'until [ -e /log/go ]; do sleep 0.05; done; exit 7', signal: undefined },
  'its runner is killed': { script: BEAT, signal: 'SIGKILL' },
  'its runner is killed, and its command ignores TERM': { script: `trap "" TERM; ${BEAT}`, signal: 'SIGKILL' },
  'its runner is stopped, and its command ignores TERM': { script: `trap "" TERM; ${BEAT}`, signal: 'SIGSTOP' },
} as const satisfies Record<string, { script: string; signal: NodeJS.Signals | undefined }>

/** Plays a story in a root: a holder, somebody who waits, and never two commands at once. */
export async function play(plan: RootPlan, story: keyof typeof HOLDER_STORIES): Promise<void> {
  const { script, signal } = HOLDER_STORIES[story]
  const root = await SmallRoot.build(plan)
  const log = join(root.log, 'log')
  writeFileSync(log, '')
  chmodSync(log, 0o666)
  const name = uniqueName('rooted')
  afterTest(() => {
    for (const pid of processesWith(name)) kill(pid)
  })
  const run = (script: string) =>
    startLocker(['--ttl', '10s', '--kill-after', '1s', name, '/bin/sh', '-c', script], { through: root.through })
  const holder = run(`echo "holder begins" >>/log/log; ${script}`)
  const lines = () => readFileSync(log, 'utf8').split('\n').slice(0, -1)
  await patiently(
    () => lines().includes('holder begins') || holder.hasEnded,
    () => `the holder does not begin: ${holder.stderr}`,
  )
  // It lasts long enough for a survivor to be seen, who would beat every 50 ms.
  const waiter = run('echo "waiter begins" >>/log/log; sleep 0.3; echo "waiter ends" >>/log/log')
  await waiter.says(/waiting for/)
  // Longer than any clock that can't be read would take to end a healthy command.
  await new Promise((resolve) => setTimeout(resolve, 1000))
  expect(holder.hasEnded, holder.stderr).toBe(false)
  expect(lines()).not.toContain('waiter begins')
  if (signal) holder.kill(signal)
  else writeFileSync(join(root.log, 'go'), '')
  const { code, stderr } = await waiter.ends()
  expect([code, stderr.includes('was cut off')]).toEqual([0, false])
  expect(lines().slice(lines().indexOf('waiter begins'))).toEqual(['waiter begins', 'waiter ends'])
  if (signal === 'SIGSTOP') holder.kill('SIGCONT')
  expect((await holder.ends()).code).toBe(signal === undefined ? 7 : signal === 'SIGSTOP' ? 6 : null)
  expect(await new ConsulClient().remains(name)).toEqual([])
}

/** A run in a root where a guardian would be blind: it is refused before anything begins, and works without. */
export async function refuse([plan, sentence]: readonly [RootPlan, string]): Promise<void> {
  const { through } = await SmallRoot.build(plan)
  const name = uniqueName('rooted')
  const refused = await runLocker([name, '/locker', '--version'], { through })
  expect([refused.code, refused.stdout]).toEqual([2, ''])
  expect(refused.stderr).toMatch(new RegExp(`^consul-locker: error: (the guardian )?${sentence}.*--no-guardian\\)\\n$`))
  expect(await new ConsulClient().remains(name)).toEqual([])
  expect((await runLocker(['--no-guardian', name, '/locker', '--version'], { through })).code).toBe(0)
}
