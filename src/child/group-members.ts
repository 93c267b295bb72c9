import { readdirSync, readFileSync, statSync } from 'node:fs'
import { constants } from 'node:os'
import { GUARDIAN_VARIABLE } from './guardian-arguments.ts'

/** A process of a command's. */
export interface GroupMember {
  readonly pid: number
  /** Its process group. */
  readonly group: number
}

/** By what processes that left their group and session are known for a command's. */
export interface ProcessTraces {
  /**
   * An environment entry (`NAME=value`) that all of the command's processes carry, and nobody else: it is secret. None
   * when what leaves the group is meant to stay.
   */
  readonly marker: string | undefined
  /** The list of processes of a cgroup that is ours alone; `undefined` when we share ours with others. */
  readonly cgroup: string | undefined
}

/**
 * The processes of a command that still run: those of its process group, those of its session (what left the group by
 * job control), and those that left both but not their traces (daemons). Zombies don't count: `kill` finds them, but
 * they do nothing. `undefined` when that can't be told: without a /proc, or when it hides others' processes from us.
 */
export function livingMembers(group: number, traces?: ProcessTraces): GroupMember[] | undefined {
  const inCgroup = traces?.cgroup === undefined ? [] : read(traces.cgroup).split('\n')
  const members = processIds()?.flatMap((pid) => {
    const { state, pgrp, session } = statusOf(pid)
    if (state === '' || state === 'Z' || state === 'X' || pid === process.pid) return []
    const belongs =
      pgrp === group ||
      session === group ||
      (traces?.marker !== undefined && carries(pid, traces.marker) && isOurs(pid)) ||
      (inCgroup.includes(String(pid)) && !isOfOurOwn(pid))
    return belongs ? [{ pid, group: pgrp }] : []
  })
  // With hidepid we see our own user's only, and sudo's may be left in the group.
  return members?.length === 0 && read('/proc/1/stat') === '' ? undefined : members
}

/**
 * The list of processes of our cgroup, when it is ours alone: systemd made it for the unit whose main process we are,
 * and everything in it comes from us. Tests have other files.
 */
export function ownCgroup(environment: NodeJS.ProcessEnv, proc = read): string | undefined {
  if (environment.SYSTEMD_EXEC_PID !== String(process.pid)) return undefined
  const path = /^0::(\/.+)$/m.exec(proc('/proc/self/cgroup'))?.[1]
  const lists = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'].map((mount) => `${mount}${path}/cgroup.procs`)
  return path === undefined ? undefined : lists.find((list) => proc(list) !== '')
}

/**
 * In the environment of processes of ours that are none of the command's, and none of its business: in our cgroup they
 * would be taken for some.
 */
export const BESIDE = { CONSUL_LOCKER_BESIDE: '1' } as const

/** The guardian, what it starts, and what else we start beside the command live in our cgroup, too. */
function isOfOurOwn(pid: number): boolean {
  const environment = read(`/proc/${pid}/environ`).split('\0')
  return environment.some((entry) => entry.startsWith(`${GUARDIAN_VARIABLE}=`) || entry === 'CONSUL_LOCKER_BESIDE=1')
}

/** Whether a process of the group has the signal still before it: neither taken by a handler nor dropped. */
export function isPending(group: number, signal: NodeJS.Signals): boolean {
  const bit = 1n << BigInt(constants.signals[signal] - 1)
  return (livingMembers(group) ?? []).some(({ pid }) => {
    const masks = read(`/proc/${pid}/status`).matchAll(/^(?:SigPnd|ShdPnd):\s*([0-9a-f]+)/gm)
    return [...masks].some(([, mask]) => (BigInt(`0x${mask}`) & bit) !== 0n)
  })
}

function processIds(): number[] | undefined {
  try {
    const entries = readdirSync('/proc')
    return entries.includes('self') ? entries.map(Number).filter(Number.isInteger) : undefined
  } catch {
    return undefined
  }
}

function statusOf(pid: number) {
  const stat = read(`/proc/${pid}/stat`)
  const [state = '', , pgrp, session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { state, pgrp: Number(pgrp), session: Number(session) }
}

/** Whether it is our user's: root can look into all others', who may have put there what they like. */
function isOurs(pid: number): boolean {
  return statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid === process.geteuid?.()
}

function carries(pid: number, marker: string): boolean {
  return read(`/proc/${pid}/environ`).split('\0').includes(marker)
}

/** Empty for a process that ended while we looked, or that isn't ours to look into. */
function read(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}
