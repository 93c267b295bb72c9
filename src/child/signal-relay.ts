import type { Child } from './child.ts'
import type { ForwardedSignal, SignalSource } from './signals.ts'

const STOPPERS: readonly ForwardedSignal[] = ['SIGINT', 'SIGTERM']

/** Passes our signals on to the child; those that come before it runs wait for it. A second INT or TERM kills. */
export class SignalRelay implements Disposable {
  readonly #listening: Disposable
  readonly #early: ForwardedSignal[] = []
  #child: Child | undefined
  #stoppers = 0

  constructor(signals: SignalSource) {
    this.#listening = signals.listen((signal) => this.#pass(signal))
  }

  /** The child runs. */
  to(child: Child): void {
    this.#child = child
    for (const signal of this.#early.splice(0)) this.#pass(signal)
  }

  #pass(signal: ForwardedSignal): void {
    if (!this.#child) {
      this.#early.push(signal)
      return
    }
    const stops = STOPPERS.includes(signal)
    if (stops) this.#stoppers += 1
    if (stops && this.#stoppers > 1) this.#child.kill()
    else this.#child.forward(signal)
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]()
  }
}
