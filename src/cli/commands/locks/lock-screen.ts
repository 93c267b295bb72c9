import { AbortReason, scope, sleep } from '../../../base/abort.ts'
import { type Context, under } from '../../../base/context.ts'
import { messageOf } from '../../../base/failure.ts'
import { quiet } from '../../../base/quiet-log.ts'
import { shellStatus } from '../../../child/exit-status.ts'
import { Interrupted } from '../../../child/interruptible-wait.ts'
import { ENDS_US, type SignalSource, stopSelf } from '../../../child/signals.ts'
import type { Consul } from '../../../consul/consul.ts'
import { Retry } from '../../../consul/retry.ts'
import { lockHistory } from '../../../overview/lock-history.ts'
import type { LocksRequest } from '../../../overview/lock-request.ts'
import type { LocksView } from '../../../overview/lock-view.ts'
import { watchLocks } from '../../../overview/watch-locks.ts'
import { EXIT } from '../../exit-codes.ts'
import { FullScreen, type Key } from '../../output/full-screen.ts'
import type { LockHistory } from './lock-page.ts'
import { inPage, screenLines } from './screen-lines.ts'
import { firstState, press, type ScreenState, withChange } from './screen-state.ts'

/** Ages tick. */
const TICK_MS = 1000

/** Shows all locks on the whole terminal, until a key or a signal ends that. Settles with the exit code. */
export async function lockScreen(
  ctx: Context,
  consul: Consul,
  request: LocksRequest,
  signals: SignalSource,
): Promise<number> {
  using stop = scope(ctx.signal)
  const bounded = under(ctx, stop.signal)
  const live = new LiveLocks(bounded, consul, (reason) => stop.passOn(reason))
  using _listening = signals.listen((signal) => {
    if (signal === 'SIGTSTP') live.suspend()
    else if (signal === 'SIGCONT') live.resume()
    else if (ENDS_US.includes(signal)) stop.abort(new Interrupted(signal))
  })
  try {
    return await live.follow(request)
  } catch (thrown) {
    if (thrown === QUIT) return EXIT.done
    if (!(thrown instanceof Interrupted)) throw thrown
    return shellStatus(thrown)
  } finally {
    live.end()
  }
}

const QUIT = new AbortReason('enough was seen')

/** The state of the screen, and what changes it. */
class LiveLocks {
  readonly #ctx: Context
  readonly #consul: Consul
  readonly #end: (reason: unknown) => void
  readonly #retry: Retry
  readonly #screen: FullScreen
  #state: ScreenState
  #history: LockHistory | undefined
  #isReading = false

  constructor(ctx: Context, consul: Consul, end: (reason: unknown) => void) {
    this.#consul = consul
    this.#end = end
    // What is logged would stand in the middle of the screen.
    this.#ctx = quiet(ctx)
    this.#retry = new Retry(consul)
    this.#screen = new FullScreen(
      ctx,
      (key) => this.#press(key),
      () => this.resize(),
      (thrown) => end(thrown),
    )
    this.#state = firstState(this.#screen.size)
    this.#draw()
  }

  async follow(request: LocksRequest): Promise<never> {
    const receive = (view: LocksView) => {
      this.#set(withChange(this.#state, { view }))
      void this.#readHistory()
    }
    const watching = watchLocks(this.#ctx, this.#consul, request, receive, this.#retry)
    return Promise.race([watching, this.#tick()])
  }

  resize(): void {
    this.#screen.refresh()
    this.#set(withChange(this.#state, { size: this.#screen.size }))
  }

  /** As Ctrl-Z does: the terminal is the shell's until `fg`. */
  suspend(): void {
    this.#screen.leave()
    stopSelf()
    this.resume()
  }

  resume(): void {
    // Whoever had the terminal meanwhile may have left it in another mode.
    this.#screen.leave()
    this.#screen.enter()
    // Node looks at the size when it hears that signal, and nobody sends it to a process that is stopped.
    process.emit('SIGWINCH', 'SIGWINCH')
    this.resize()
  }

  end(): void {
    this.#screen.leave()
  }

  async #tick(): Promise<never> {
    for (;;) {
      await sleep(this.#ctx, TICK_MS)
      const trouble = this.#retry.failure && `trying again: ${this.#retry.failure.message}`
      this.#set(withChange(this.#state, { trouble }))
    }
  }

  #press(key: Key): void {
    if (key.isControl && key.name === 'c') this.#end(new Interrupted('SIGINT'))
    else if (key.isControl && key.name === 'z') this.suspend()
    else if (key.isControl && key.name === 'l') this.resize()
    else this.#take(press(this.#state, key))
  }

  #take(next: ScreenState | 'quit'): void {
    if (next === 'quit') {
      this.#end(QUIT)
      return
    }
    this.#set(inPage(next, this.#history, this.#ctx.clock.now().wallMs))
    void this.#readHistory()
  }

  /** Reads the history of the page's lock, if there is a page; what has changed meanwhile is read once more. */
  async #readHistory(): Promise<void> {
    const { page } = this.#state
    if (!page || this.#isReading) return
    this.#isReading = true
    try {
      this.#history = { key: page.key, ended: await lockHistory(this.#ctx, this.#consul, page) }
    } catch (thrown) {
      if (this.#ctx.signal.aborted) return
      this.#history = { key: page.key, ended: messageOf(thrown) }
    } finally {
      this.#isReading = false
    }
    this.#draw()
    if (this.#state.page && this.#state.page.key !== page.key) await this.#readHistory()
  }

  #set(state: ScreenState): void {
    this.#state = state
    this.#draw()
  }

  #draw(): void {
    this.#screen.draw(screenLines(this.#state, this.#history, this.#ctx.clock.now().wallMs))
  }
}
