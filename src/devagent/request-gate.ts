import type { Clock } from '../base/clock.ts'
import { textAnswer } from './answers.ts'
import type { AgentReply } from './request.ts'

/** What holds requests back: servers without a leader, or processes that don't run at all. */
export class RequestGate {
  readonly #clock: Clock
  readonly #holdMs: number
  #hasLeader = true
  #asleep = false
  readonly #forLeader = new Set<() => void>()
  #forWaking: (() => void)[] = []

  constructor(clock: Clock, holdMs: number) {
    this.#clock = clock
    this.#holdMs = holdMs
  }

  get hasLeader(): boolean {
    return this.#hasLeader
  }

  isOpen(needsLeader: boolean): boolean {
    return !this.#asleep && (this.#hasLeader || !needsLeader)
  }

  /** Serves when there is nothing in the way any more; gives a 500 when there is no leader for too long. */
  pass(needsLeader: boolean, serve: () => Promise<AgentReply>): Promise<AgentReply> {
    return new Promise((resolve) => {
      this.whenAwake(() => {
        if (this.#hasLeader || !needsLeader) resolve(serve())
        else this.#holdForLeader(serve, resolve)
      })
    })
  }

  /** Does a task at once, or when the processes run again. */
  whenAwake(task: () => void): void {
    if (this.#asleep) this.#forWaking.push(task)
    else task()
  }

  setLeader(hasLeader: boolean): void {
    this.#hasLeader = hasLeader
    if (!hasLeader) return
    for (const go of this.#forLeader) go()
  }

  sleep(): void {
    this.#asleep = true
  }

  /** In the order in which it piled up. */
  wake(): void {
    this.#asleep = false
    const tasks = this.#forWaking
    this.#forWaking = []
    for (const task of tasks) task()
  }

  #holdForLeader(serve: () => Promise<AgentReply>, resolve: (reply: AgentReply | Promise<AgentReply>) => void): void {
    const leave = () => {
      this.#forLeader.delete(go)
      cancel()
    }
    const go = () => {
      leave()
      resolve(serve())
    }
    const cancel = this.#clock.after(this.#holdMs, () => {
      leave()
      this.whenAwake(() => resolve(textAnswer(500, 'No cluster leader').reply))
    })
    this.#forLeader.add(go)
  }
}
