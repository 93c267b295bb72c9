import { formatDuration } from '../base/duration.ts'
import type { Log } from '../base/log.ts'
import type { CallEnd, Report } from './application.ts'
import type { Call, Effective, Leader, Reason } from './machine/state.ts'

const REASONS: Record<Reason, string> = {
  unhealthy: 'the application is not healthy',
  disabled: 'this node is disabled',
  stopping: 'the agent was told to end',
  'step-down': 'an operator asked for it',
  'not-ready': 'the application is not ready to lead',
  'promotion-failed': 'the application could not be made master',
  'mastery-failed': 'the application no longer takes to being master',
  'not-wanted': 'this node is no candidate any more',
}

const CALLS: Record<Call, string> = {
  'ensure-master': 'ensure_master',
  'ensure-slave': 'ensure_slave',
  demote: 'demote',
  fence: 'fence',
  ready: 'ready_to_lead',
}

/** Tells people what changes, and says nothing of what stays as it is. */
export class Teller {
  readonly #log: Log
  readonly #name: string
  #health: boolean | undefined
  #ready: boolean | undefined
  readonly #troubles = new Map<Call, string>()
  #told = ''

  constructor(log: Log, name: string) {
    this.#log = log
    this.#name = name
  }

  health({ healthy, message }: Report): void {
    if (healthy === this.#health) return
    this.#health = healthy
    if (healthy) this.#log.notice(`${this.#name} is healthy: ${message}`)
    else this.#log.warn(`${this.#name} is not healthy: ${message}`)
  }

  readiness(ready: boolean, message: string): void {
    if (ready === this.#ready) return
    this.#ready = ready
    this.#log.notice(ready ? `${this.#name} is ready to lead` : `${this.#name} is not ready to lead: ${message}`)
  }

  switches({ disabled, maintenance, frozen }: Effective): void {
    const on = [disabled && 'disabled', maintenance && 'in maintenance', frozen && 'frozen'].filter(Boolean)
    this.#log.warn(on.length > 0 ? `${this.#name} is ${on.join(', ')}` : `${this.#name} is no longer switched off`)
  }

  yields(reason: Reason, message: string): void {
    const details = reason === 'unhealthy' ? `: ${message}` : ''
    this.#log.warn(`giving up the lock: ${REASONS[reason]}${details}`, { reason })
  }

  refuses(minLeaderMs: number): void {
    this.#log.warn(`not stepping down: a master stays for ${formatDuration(minLeaderMs)} (min_leader_time)`)
  }

  called(call: Call, { ok, message }: CallEnd, leader: Leader | undefined): void {
    const before = this.#troubles.get(call)
    if (!ok) {
      this.#troubles.set(call, message)
      if (before === message) return
      const line = `${CALLS[call]} failed: ${message}`
      if (call === 'demote' || call === 'fence') this.#log.error(line)
      else this.#log.warn(line)
      return
    }
    this.#troubles.delete(call)
    const done = sentenceOf(call, leader)
    if (done !== undefined && (done !== this.#told || before !== undefined)) this.#log.notice(`${this.#name} ${done}`)
    if (done !== undefined) this.#told = done
  }
}

function sentenceOf(call: Call, leader: Leader | undefined): string | undefined {
  switch (call) {
    case 'ensure-master':
      return 'is master'
    case 'ensure-slave':
      return `is slave of ${leader?.node}`
    case 'demote':
      return 'is demoted'
    case 'fence':
      return 'is fenced'
    case 'ready':
      return undefined
  }
}
