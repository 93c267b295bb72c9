import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { ConsulAgent } from '../provide/agent.ts'
import type { Cluster } from '../provide/cluster.ts'
import { BRIEF_TROUBLES, LONG_TROUBLES, type Trouble } from '../provide/trouble.ts'
import type { Random } from '../stage/random.ts'
import type { ConsulOperator } from './consul-operator.ts'
import type { Host } from './host.ts'
import type { LockToken } from './lock-token.ts'

/** What a fault hits: the holder of the moment, and those around it. */
export interface Scene {
  readonly cluster: Cluster
  readonly operator: ConsulOperator
  /** What the contenders show, where ACLs ask for it. */
  readonly token: LockToken | undefined
  readonly random: Random
  readonly host: Host
  /** The holder's runner. */
  readonly runner: number
  /** The holder's local agent. */
  readonly agent: ConsulAgent
  /** Everybody but the holder. */
  readonly others: readonly Host[]
}

export interface HolderFault {
  readonly name: string
  /** It takes a guardian, which not every tool has. */
  readonly needsGuardian?: true
  /** It takes servers and client agents of their own. */
  readonly needsCluster?: true
  /** Does the damage, and mends what would not mend itself. */
  inject(scene: Scene): Promise<void>
}

const SECOND = 1000
/** Longer than the lock-delay: the next holder has long begun then. */
const STUCK_SECONDS = 50
/** Longer than a TTL: the holder's session has been renewed, or is gone. */
const ROTATED_SECONDS = 20

/** Longer than it takes until the next holder begins. */
const DEAD_SECONDS = 60

/** All faults, each of its kind. */
export const HOLDER_FAULTS: readonly HolderFault[] = [
  { name: 'runner-killed', inject: async ({ host, runner }) => host.signal(runner, 'SIGKILL') },
  ...[5, 25].map((seconds) => ({ name: `runner-stopped-${seconds}s`, inject: stopRunner(seconds) })),
  { name: 'guardian-killed', needsGuardian: true, inject: async ({ runner }) => killGuardian(runner) },
  { name: 'runner-and-guardian-killed', needsGuardian: true, inject: killBoth },
  { name: 'holder-gone', inject: killAll },
  { name: 'machine-dead', needsCluster: true, inject: killMachine },
  { name: 'leader-killed', needsCluster: true, inject: async ({ cluster }) => crash(await cluster.leader(), 5) },
  { name: 'leader-stopped-10s', needsCluster: true, inject: async ({ cluster }) => freeze(await cluster.leader(), 10) },
  { name: 'agent-killed', needsCluster: true, inject: ({ agent }) => crash(agent, 0) },
  { name: 'agent-dead-60s', needsCluster: true, inject: ({ agent }) => crash(agent, DEAD_SECONDS) },
  { name: 'agent-left', needsCluster: true, inject: ({ agent }) => agent.restart() },
  ...[5, 25].map(
    (seconds) =>
      ({
        name: `agent-stopped-${seconds}s`,
        needsCluster: true,
        inject: ({ agent }: Scene) => freeze(agent, seconds),
      }) as const,
  ),
  { name: 'no-leader-20s', needsCluster: true, inject: loseLeader(20) },
  ...BRIEF_TROUBLES.map((trouble) => disturbance(trouble, 8)),
  ...LONG_TROUBLES.map((trouble) => disturbance(trouble, 25)),
  { name: 'stderr-stuck', inject: stickLog },
  { name: 'token-rotated', needsCluster: true, inject: rotateToken },
  { name: 'session-destroyed', inject: ({ operator }) => operator.destroySession() },
  { name: 'key-deleted', inject: ({ operator }) => operator.deleteKey() },
  { name: 'waiters-killed', inject: killWaiters },
  { name: 'waiters-stopped-25s', inject: stopWaiters(25) },
  { name: 'waiters-sessions-destroyed', inject: ({ operator }) => operator.destroyWaiters() },
  { name: 'line-deleted', inject: ({ operator }) => operator.deleteLine() },
]

/** About half of those who wait, but one at least. */
function someOthers({ others, random }: Scene): Host[] {
  const [first, ...rest] = random.shuffled(others)
  return [...(first ? [first] : []), ...rest.filter(() => random.next() < 0.4)]
}

async function killWaiters(scene: Scene): Promise<void> {
  for (const host of someOthers(scene)) host.signalAny('SIGKILL')
}

function stopWaiters(seconds: number) {
  return async (scene: Scene) => {
    const stopped = someOthers(scene)
    for (const host of stopped) host.signalAny('SIGSTOP')
    await delay(seconds * SECOND)
    for (const host of stopped) host.signalAny('SIGCONT')
  }
}

function stopRunner(seconds: number) {
  return async ({ host, runner }: Scene) => {
    host.signal(runner, 'SIGSTOP')
    await delay(seconds * SECOND)
    host.signal(runner, 'SIGCONT')
  }
}

async function killBoth({ host, runner }: Scene): Promise<void> {
  // A stopped runner can't start another guardian in between.
  host.signal(runner, 'SIGSTOP')
  killGuardian(runner)
  host.signal(runner, 'SIGKILL')
}

/** Runner, guardian, command and all that they have started, at once: nobody is left who could give the lock back. */
async function killAll({ host, runner }: Scene): Promise<void> {
  // A stopped runner starts nothing in between.
  host.signal(runner, 'SIGSTOP')
  for (const pid of descendantsOf(runner)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch (thrown) {
      // It has just ended by itself, as a guardian's timer does.
      if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown
    }
  }
  host.signal(runner, 'SIGKILL')
}

/**
 * The holder and the agent beside it, at once and for a minute. What its loop starts there meanwhile finds no Consul.
 */
async function killMachine(scene: Scene): Promise<void> {
  await Promise.all([killAll(scene), crash(scene.agent, DEAD_SECONDS)])
}

async function crash(agent: ConsulAgent, downSeconds: number): Promise<void> {
  agent.kill('SIGKILL')
  await agent.exited()
  await delay(downSeconds * SECOND)
  await agent.restart()
}

/** Two of three servers are gone, and whoever waits is started anew meanwhile: nobody has ever heard of Consul then. */
function loseLeader(seconds: number) {
  return async ({ cluster, others }: Scene) => {
    const [, ...gone] = cluster.servers
    for (const server of gone) server.kill('SIGKILL')
    await Promise.all(gone.map((server) => server.exited()))
    for (const host of others) host.signalAny('SIGKILL')
    await delay(seconds * SECOND)
    await Promise.all(gone.map((server) => server.restart()))
  }
}

/** The holder has to renew its session with the new token to survive this. */
async function rotateToken({ token }: Scene): Promise<void> {
  await token?.rotate()
  await delay(ROTATED_SECONDS * SECOND)
}

/** Nobody reads what the runner and its command write when the lock is lost. */
async function stickLog({ host, operator }: Scene): Promise<void> {
  host.log.stick()
  await operator.destroySession()
  await delay(STUCK_SECONDS * SECOND)
  host.log.release()
}

async function freeze(agent: ConsulAgent, seconds: number): Promise<void> {
  agent.kill('SIGSTOP')
  await delay(seconds * SECOND)
  agent.kill('SIGCONT')
}

/** Trouble between the holder and its agent, and for some of the others. */
function disturbance(trouble: Trouble, seconds: number): HolderFault {
  return {
    name: `${trouble}-${seconds}s`,
    async inject({ host, others, random }) {
      const proxies = [host, ...others.filter(() => random.next() < 0.5)].map(({ proxy }) => proxy)
      for (const proxy of proxies) proxy.begin(trouble)
      await delay(seconds * SECOND)
      await Promise.all(proxies.map((proxy) => proxy.end()))
    },
  }
}

function killGuardian(runner: number): void {
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    if (read(pid, 'cmdline').includes('consul-locker-guardian') && parentOf(pid) === runner) {
      process.kill(Number(pid), 'SIGKILL')
    }
  }
}

function descendantsOf(root: number): number[] {
  const all = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))
  const found = [root]
  for (const pid of found) found.push(...all.filter((other) => parentOf(other) === pid).map(Number))
  return found.slice(1)
}

function parentOf(pid: string): number {
  const stat = read(pid, 'stat')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return ''
  }
}
