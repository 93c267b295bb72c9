import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { freePorts } from '../../scripts/provide/ports.ts'
import { afterTest } from './after-test.ts'
import { ConsulClient } from './consul-client.ts'
import { patiently, type Running, runLocker, startLocker } from './locker.ts'
import { kill, processesWith } from './processes.ts'
import { type RootPlan, SmallRoot } from './small-root.ts'
import { uniqueName } from './unique.ts'

/** What happens to what is guarded. */
export type GuardedFate = 'ends cleanly' | 'is killed' | 'is killed, and its command ignores TERM'
export const FATES: readonly GuardedFate[] = ['ends cleanly', 'is killed', 'is killed, and its command ignores TERM']

/** A mode in a small root: what it is started with, and what stands in Consul for as long as nobody else may begin. */
interface Scene {
  readonly words: readonly string[]
  readonly key: string
  readonly consul: ConsulClient
  /** Lines that its commands have written. */
  lines(): string[]
  /** Lets a clean end come about. */
  end(running: Running): void
}

/** What a command does that is under way when its agent or step is killed. */
function work(fate: GuardedFate): string {
  const beat = 'echo begins >>/log/log; while [ ! -e /log/go ]; do echo beats >>/log/log; sleep 0.05; done'
  return fate === 'is killed, and its command ignores TERM' ? `trap "" TERM; ${beat}` : beat
}

function inRoot(root: SmallRoot, name: string) {
  const log = join(root.log, 'log')
  writeFileSync(log, '')
  chmodSync(log, 0o666)
  afterTest(() => {
    for (const pid of processesWith(name)) kill(pid)
  })
  return () => readFileSync(log, 'utf8').split('\n').slice(0, -1)
}

function configure(root: SmallRoot, keys: Readonly<Record<string, unknown>>): void {
  // JSON is YAML.
  writeFileSync(join(root.log, 'file.yaml'), JSON.stringify(keys), { mode: 0o644 })
}

async function leader(root: SmallRoot, fate: GuardedFate): Promise<Scene> {
  const name = uniqueName('rooted')
  const run = (script: string) => ['/bin/sh', '-c', script, name]
  const promotion = fate === 'ends cleanly' ? 'echo begins >>/log/log' : work(fate)
  configure(root, {
    name,
    port: 4711,
    api: `127.0.0.1:${(await freePorts()).http}`,
    health: { command: run(':') },
    ensure_master: run(promotion),
    ensure_slave: run(':'),
    demote: run('echo demoted >>/log/log'),
    interval: '500ms',
    min_leader_time: '0s',
    timeouts: { ensure: '60s', demote: '5s' },
  })
  const lines = inRoot(root, name)
  const end = (agent: Running) => agent.kill('SIGTERM')
  return {
    words: ['leader', '-f', '/log/file.yaml'],
    key: `lock/${name}/leader`,
    consul: new ConsulClient(),
    lines,
    end,
  }
}

async function rolloutStep(root: SmallRoot, fate: GuardedFate): Promise<Scene> {
  const prefix = uniqueName('rooted')
  const consul = new ConsulClient()
  chmodSync(root.log, 0o777)
  configure(root, {
    host: 'dev',
    prefix,
    version_file: '/log/version',
    upgrade: [`: ${prefix}; ${work(fate)}`],
    checks: { upgrade: `${prefix}-up`, validation: `${prefix}-valid` },
  })
  writeFileSync(join(root.log, 'version'), 'V1\n')
  chmodSync(join(root.log, 'version'), 0o666)
  await consul.request('PUT', `/kv/${prefix}/running_version/V1/dev`, '1')
  await consul.request('PUT', `/kv/${prefix}/current_version`, 'V2')
  const lines = inRoot(root, prefix)
  const end = () => writeFileSync(join(root.log, 'go'), '')
  const key = `${prefix}/consul-locker-rollout/slots/host/dev/1`
  return { words: ['rollout', 'step', '-f', '/log/file.yaml'], key, consul, lines, end }
}

export const MODES = { leader, 'rollout step': rolloutStep } as const
export type Mode = keyof typeof MODES

/** Plays what happens to an agent or a step in a root: nothing of it runs any more when its lock is free. */
export async function playMode(mode: Mode, plan: RootPlan, fate: GuardedFate): Promise<void> {
  const root = await SmallRoot.build(plan)
  const { words, key, consul, lines, end } = await MODES[mode](root, fate)
  const running = startLocker(words, { through: root.through })
  await patiently(
    () => lines().includes('begins') || running.hasEnded,
    () => `nothing begins: ${running.stderr}`,
  )
  expect(running.hasEnded, running.stderr).toBe(false)
  const session = await consul.holder(key)
  // Longer than any clock that can't be read would take to end what is healthy.
  await new Promise((resolve) => setTimeout(resolve, 1000))
  // An agent begins with a demotion: it doesn't know yet what its application is.
  const hasActed = lines().lastIndexOf('demoted') > lines().indexOf('begins')
  expect([running.hasEnded, hasActed], running.stderr).toEqual([false, false])
  if (fate === 'ends cleanly') {
    end(running)
    expect(await running.ends()).toMatchObject({ code: 0 })
  } else running.kill('SIGKILL')
  await patiently(
    async () => (await consul.entry(key))?.Session !== session,
    () => `${key} is not given back`,
  )
  const atRelease = lines()
  // A survivor would beat every 50 ms.
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(lines()).toEqual(atRelease)
  if (mode === 'leader') expect(atRelease.at(-1)).toBe('demoted')
}

/** An agent or a step in a root where a guardian would be blind: it is refused before it has told Consul anything. */
export async function refuseMode(mode: Mode, [plan, sentence]: readonly [RootPlan, string]): Promise<void> {
  const root = await SmallRoot.build(plan)
  const { words, key, consul } = await MODES[mode](root, 'ends cleanly')
  const { code, stdout, stderr } = await runLocker(words, { through: root.through })
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(
    new RegExp(`^consul-locker: error: the guardian ${sentence}, which is not there \\((install|m).*\\)\\n$`),
  )
  expect(stderr).not.toContain('--no-guardian')
  expect(await consul.entry(key)).toBeUndefined()
}
