import type { Transport } from '../../src/consul/wire.ts'
import type { VirtualClock } from '../virtual/virtual-clock.ts'

/** A process that can be stopped and killed: whatever reaches it goes through `enter`. */
export class SimulatedProcess {
  readonly #time: VirtualClock
  #state: 'running' | 'stopped' | 'dead' = 'running'
  #waiting: (() => void)[] = []
  readonly #mourners: (() => void)[] = []
  #onStop: () => void = () => {}

  constructor(time: VirtualClock) {
    this.#time = time
  }

  get isDead(): boolean {
    return this.#state === 'dead'
  }

  /** Does something inside the process: at once, when it goes on, or never. */
  enter(action: () => void): void {
    if (this.#state === 'running') action()
    else if (this.#state === 'stopped') this.#waiting.push(action)
  }

  stop(): void {
    if (this.#state !== 'running') return
    this.#state = 'stopped'
    this.#onStop()
  }

  /** Calls `heard` whenever it is stopped. */
  onStop(heard: () => void): void {
    this.#onStop = heard
  }

  /** Goes on; what came meanwhile comes now, one after the other. */
  continue(): void {
    if (this.#state !== 'stopped') return
    this.#state = 'running'
    for (const action of this.#waiting.splice(0)) this.#time.after(0, () => this.enter(action))
  }

  /** Ends it, by KILL or by itself. */
  end(): void {
    if (this.#state === 'dead') return
    this.#state = 'dead'
    for (const mourn of this.#mourners) mourn()
  }

  onEnd(mourn: () => void): void {
    this.#mourners.push(mourn)
  }
}

/** Replies reach a process only while it runs. */
export function into(process: SimulatedProcess, transport: Transport): Transport {
  return {
    send: (request, signal) =>
      new Promise((resolve, reject) => {
        transport.send(request, signal).then(
          (reply) => process.enter(() => resolve(reply)),
          (thrown) => process.enter(() => reject(thrown)),
        )
      }),
    close: () => transport.close(),
  }
}
