import assert from 'node:assert'
import type { Failure } from '../base/failure.ts'
import type { Consul } from '../consul/consul.ts'
import type { ConsulSettings } from '../consul/consul-settings.ts'
import type { Timing } from '../lock/lease-timing.ts'
import type { Period } from '../run/history/period.ts'
import { AgentAnswers } from './agent/agent-answers.ts'
import type { ExaminedFile } from './file/examined-file.ts'

/** How Consul is reached, or why it can't even be tried. */
export type Reach =
  | { readonly settings: ConsulSettings; readonly consul: Consul; readonly addressFrom: string }
  | { readonly failure: Failure }

/** A lock whose runs are looked at. */
export interface ExaminedLock {
  readonly name: string
  /** That of a plain lock; that of the list of holders with `slots`. */
  readonly key: string
  readonly slots: number | undefined
  /** The key of the plain lock of the same name, where slots have one. */
  readonly marker: string | undefined
  readonly isShared: boolean
  readonly period: Period | undefined
}

export interface ExaminedSystemSpec {
  readonly reach: Reach
  readonly environment: NodeJS.ProcessEnv
  /** The variables that are options of ours. */
  readonly optionVariables: readonly string[]
  /** By which name we were started. */
  readonly startedAs: string
  readonly timing: Pick<Timing, 'ttlMs' | 'renewMs'>
  readonly lock: ExaminedLock | undefined
  readonly file: ExaminedFile | undefined
}

/** What is examined: this machine as this user sees it, the agent, and a lock or a file if one is named. */
export class ExaminedSystem {
  readonly reach: Reach
  readonly environment: NodeJS.ProcessEnv
  readonly optionVariables: readonly string[]
  readonly startedAs: string
  readonly timing: Pick<Timing, 'ttlMs' | 'renewMs'>
  readonly #lock: ExaminedLock | undefined
  readonly #file: ExaminedFile | undefined
  readonly #answers: AgentAnswers | undefined

  constructor({ reach, environment, optionVariables, startedAs, timing, lock, file }: ExaminedSystemSpec) {
    this.reach = reach
    this.environment = environment
    this.optionVariables = optionVariables
    this.startedAs = startedAs
    this.timing = timing
    this.#lock = lock
    this.#file = file
    this.#answers = 'consul' in reach ? new AgentAnswers(reach.consul) : undefined
  }

  /** Only for inspections that need CL101. */
  get settings(): ConsulSettings {
    assert('settings' in this.reach, 'the inspection needs CL101')
    return this.reach.settings
  }

  /** Only for inspections that need CL101. */
  get consul(): Consul {
    assert('consul' in this.reach, 'the inspection needs CL101')
    return this.reach.consul
  }

  /** What the agent has said; each question is asked once. Only for inspections that need CL101. */
  get answers(): AgentAnswers {
    assert(this.#answers, 'the inspection needs CL101')
    return this.#answers
  }

  /** Only for inspections of a lock. */
  get lock(): ExaminedLock {
    assert(this.#lock, 'a lock is named')
    return this.#lock
  }

  /** Only for inspections of a file. */
  get file(): ExaminedFile {
    assert(this.#file, 'a file is named')
    return this.#file
  }
}
