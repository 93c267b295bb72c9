import { readdirSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'

/** A process of a command's. */
export interface Member {
  readonly pid: number
  /** Its process group. */
  readonly group: number
}

/**
 * The processes of a command that still run: those of its process group, those of its session (what left the group by
 * job control), and those that left both but carry the marker in their environment (daemons). What also cleared its
 * environment is not found. Zombies don't count: `kill` finds them, but they do nothing. `undefined` without a /proc.
 */
export function livingMembers(group: number, marker?: string): Member[] | undefined {
  return processIds()?.flatMap((pid) => {
    const { state, pgrp, session } = statusOf(pid)
    if (state === '' || state === 'Z' || state === 'X') return []
    const belongs = pgrp === group || session === group || (marker !== undefined && carries(pid, marker))
    return belongs ? [{ pid, group: pgrp }] : []
  })
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
