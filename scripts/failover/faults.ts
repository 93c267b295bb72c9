import { setTimeout as delay } from 'node:timers/promises'
import { execute } from '../execute.ts'
import type { Lab } from './lab.ts'
import type { LabNode, Part } from './node.ts'

/** Something that takes the lead from a master, or makes it unfit for it. */
export interface Fault {
  readonly name: string
  /** What the table calls it. */
  readonly title: string
  /** The master hands over by itself; nothing that was acknowledged may be lost. */
  readonly controlled?: true
  /** Does it to the master. */
  inject(lab: Lab, master: LabNode): Promise<void> | void
  /** Undoes what `LabNode.mend` doesn't know of. */
  repair?(lab: Lab, master: LabNode): Promise<void>
}

/** A supervisor starts an application again after so long. */
const RESTART_MS = 100

const hurt = (name: string, title: string, part: Part, signal: 'SIGKILL' | 'SIGSTOP'): Fault => ({
  name,
  title,
  inject: (_, master) => master.hurt(part, signal),
})

/** All faults, each of its kind. */
export const FAULTS: readonly Fault[] = [
  {
    name: 'step-down',
    title: '`leader step-down`',
    controlled: true,
    inject: (lab, master) => operate(lab, master, 'step-down'),
  },
  {
    name: 'disable',
    title: '`leader disable`',
    controlled: true,
    inject: (lab, master) => operate(lab, master, 'disable', '--node', master.name),
    repair: (lab, master) => operate(lab, master, 'enable', '--node', master.name),
  },
  {
    name: 'agent-terminated',
    title: 'leader agent stopped (TERM)',
    controlled: true,
    inject: (_, master) => master.hurt('leader', 'SIGTERM'),
  },
  hurt('app-killed', 'application killed -9', 'app', 'SIGKILL'),
  { name: 'app-restarted', title: 'application killed -9, up again after 0.1 s', inject: restart },
  hurt('app-stopped', 'application stopped (STOP)', 'app', 'SIGSTOP'),
  hurt('agent-killed', 'leader agent killed -9', 'leader', 'SIGKILL'),
  hurt('agent-stopped', 'leader agent stopped (STOP)', 'leader', 'SIGSTOP'),
  hurt('consul-killed', 'local Consul agent killed -9', 'consul', 'SIGKILL'),
  hurt('consul-stopped', 'local Consul agent stopped (STOP)', 'consul', 'SIGSTOP'),
  {
    name: 'partition',
    title: 'leader agent cut off from Consul (black hole)',
    inject: (_, master) => master.proxy.begin('black-hole'),
  },
  { name: 'node-dead', title: 'node dead', inject: (_, master) => master.powerOff() },
]

/** As an operator does, on another machine. */
async function operate(
  { service, server }: Lab,
  { locker, env }: LabNode,
  word: string,
  ...options: string[]
): Promise<void> {
  await execute(locker, ['leader', word, service, ...options], { env: { ...env, CONSUL_HTTP_ADDR: server.address } })
}

async function restart(_: Lab, { app }: LabNode): Promise<void> {
  app.signal('SIGKILL')
  await delay(RESTART_MS)
  await app.start()
}
