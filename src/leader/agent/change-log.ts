import type { Log } from '../../base/log.ts'
import type { CallResult, HealthReport } from '../application/application.ts'
import type { ApplicationCall, EffectiveSwitches, Leader, YieldReason } from '../machine/agent-state.ts'

export const REASONS: Record<YieldReason, string> = {
  unhealthy: 'the application is not healthy',
  disabled: 'this node is disabled',
  stopping: 'the agent was told to end',
  'step-down': 'an operator asked for it',
  'not-ready': 'the application is not ready to lead',
  behind: 'another node has more, or is meant to lead',
  'promotion-failed': 'the application could not be made master',
  'mastery-failed': 'the application no longer takes to being master',
  'not-wanted': 'this node is no candidate any more',
}

const CALLS: Record<ApplicationCall, string> = {
  'ensure-master': 'ensure_master',
  'ensure-slave': 'ensure_slave',
  'stand-by': 'stand_by',
  reinit: 'reinit',
  demote: 'demote',
  fence: 'fence',
  ready: 'ready_to_lead',
}

/** Tells people what changes, and says nothing of what stays as it is. */
export class ChangeLog {
  readonly #log: Log
  readonly #name: string
  #health: boolean | undefined
  #ready: boolean | undefined
  readonly #troubles = new Map<ApplicationCall, string>()
  #told = ''

  constructor(log: Log, name: string) {
    this.#log = log
    this.#name = name
  }

  /** `doubt`: checks in a row say otherwise, and aren't enough yet. */
  health({ healthy, message }: HealthReport, doubt: string | undefined): void {
    if (doubt !== undefined && healthy) this.#log.warn(`a health check of ${this.#name} failed: ${message}`)
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

  switches({ disabled, maintenance, frozen }: EffectiveSwitches): void {
    const on = [disabled && 'disabled', maintenance && 'in maintenance', frozen && 'frozen'].filter(Boolean)
    this.#log.warn(on.length > 0 ? `${this.#name} is ${on.join(', ')}` : `${this.#name} is no longer switched off`)
  }

  yields(reason: YieldReason, message: string): void {
    const details = reason === 'unhealthy' ? `: ${message}` : ''
    this.#log.warn(`giving up the lock: ${REASONS[reason]}${details}`, { reason })
  }

  refuses(why: string): void {
    this.#log.warn(`not stepping down: ${why}`)
  }

  called(call: ApplicationCall, { ok, message }: CallResult, leader: Leader | undefined): void {
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

function sentenceOf(call: ApplicationCall, leader: Leader | undefined): string | undefined {
  switch (call) {
    case 'ensure-master':
      return 'is master'
    case 'ensure-slave':
      return `is slave of ${leader?.node}`
    case 'demote':
      return 'is demoted'
    case 'fence':
      return 'is fenced'
    case 'stand-by':
      return 'waits for a master'
    case 'reinit':
      return `has the data of ${leader?.node}`
    case 'ready':
      return undefined
  }
}
