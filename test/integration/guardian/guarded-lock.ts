import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterTest } from '../../kit/after-test.ts'
import { type LockerOptions, patiently, type Running, startLocker } from '../../kit/locker.ts'
import { kill, processesWith } from '../../kit/processes.ts'
import { scratch, uniqueName } from '../../kit/unique.ts'

/** What the commands have at hand: `say` writes a line to the log, with the uptime; `beat` goes on doing so. */
export const SAY = `
say() { read -r up _ </proc/uptime; echo "$WHO $1 $up" >>"$LOG"; }
beat() { while :; do say "$1"; sleep 0.05; done; }
`

/** Dies on TERM. */
export const PROMPT = 'trap "say term; exit 0" TERM; say begins; while :; do sleep 0.05; done'
/** A tree whose every member ignores TERM. */
export const STUBBORN = 'trap "" TERM; beat child & (beat grandchild & beat orphan &); say begins; beat beats'
/** Its daemons have left the process group: one is a session leader, one is nobody's child, one ignores TERM, too. */
export const DAEMONS = `
setsid sh -c "$SAY beat daemon" &
(setsid sh -c "$SAY (beat twice &)" &)
(setsid sh -c "trap '' TERM; $SAY beat stubborn" &)
say begins
wait; sleep 60
`
/** Lasts long enough for a survivor to be seen, who would beat every 50 ms. */
export const WAITER = 'say begins; sleep 0.5; say ends'

/** One lock, those who contend for it, and the log of their commands. */
export class GuardedLock {
  readonly name = uniqueName('guarded')
  readonly log = join(scratch(), 'log')

  constructor() {
    writeFileSync(this.log, '')
    // The name stands in the environment of all that is started here.
    afterTest(() => {
      for (const pid of processesWith(this.name)) kill(pid)
    })
  }

  /** Starts a run of a shell script, and waits until the script has begun. */
  async hold(script: string, args: readonly string[] = [], options: LockerOptions = {}): Promise<Running> {
    const holder = this.start('holder', script, args, options)
    await this.says('holder begins')
    return holder
  }

  /** Starts a contender that has to wait. */
  async wait(args: readonly string[] = []): Promise<Running> {
    const waiter = this.start('waiter', WAITER, args)
    await waiter.says(/waiting for/)
    return waiter
  }

  start(who: string, script: string, args: readonly string[] = [], options: LockerOptions = {}): Running {
    const env = { WHO: who, LOG: this.log, SAY, SCENE: this.name, ...options.env }
    return startLocker([...args, this.name, '/bin/sh', '-c', `${SAY}${script}`], { ...options, env })
  }

  /** The log's lines, without their times. */
  get lines(): string[] {
    return this.entries.map(({ line }) => line)
  }

  get entries(): { line: string; at: number }[] {
    const lines = readFileSync(this.log, 'utf8').split('\n').slice(0, -1)
    return lines.map((line) => ({ line: line.replace(/ [\d.]+$/, ''), at: Number(/[\d.]+$/.exec(line)) }))
  }

  async says(line: string): Promise<void> {
    await patiently(
      () => this.lines.includes(line),
      () => `the log has no ${line}: ${[...new Set(this.lines)]}`,
    )
  }

  /** What was written from a line on. */
  from(line: string): string[] {
    return this.lines.slice(this.lines.indexOf(line))
  }

  /** The guardian of a run: that shell itself, not the one that keeps its time. */
  async guardianOf(run: Running, but?: number): Promise<number> {
    const look = () => processesWith(this.name).find((pid) => pid !== but && isGuardian(pid, run.pid))
    return (await patiently(look, () => 'there is no guardian')) as number
  }

  /** The process that keeps a guardian's time, once it has been told one. */
  async timerOf(guardian: number): Promise<number> {
    const look = () => processesWith(this.name).find((pid) => isGuardian(pid, guardian))
    return (await patiently(look, () => 'the guardian has no timer')) as number
  }

  /** Waits until nothing is left of all that was started here, guardians and their sleeps included. */
  async isEmpty(): Promise<void> {
    // In a moment: a forgotten sleep would end by itself later.
    const left = () => processesWith(this.name).map(commandLine)
    await patiently(
      () => left().length === 0,
      () => `there is still ${left()}`,
    )
  }
}

export function isGuardian(pid: number, parent: number): boolean {
  return statOf(pid)[1] === String(parent) && commandLine(pid).includes('consul-locker-guardian')
}

function commandLine(pid: number): string {
  return proc(pid, 'cmdline').replaceAll('\0', ' ')
}

export function statOf(pid: number): string[] {
  const stat = proc(pid, 'stat')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

export function proc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return ''
  }
}

/** Sends a signal to a process, if it is still there. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended.
  }
}

/** In seconds, as the log has it. */
export const uptime = () => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0])
