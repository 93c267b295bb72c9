import { writeSync } from 'node:fs'
import { emitKeypressEvents, type Interface } from 'node:readline'
import { isatty } from 'node:tty'
import { unlessAborted } from '../../base/abort.ts'
import type { Context } from '../../base/context.ts'
import { Failure } from '../../base/failure.ts'
import { NonBlockingOutput } from '../../base/nonblocking-output.ts'

/** A key as it was pressed: its name (`up`, `return`, `escape`), or what it writes. */
export interface Key {
  readonly name: string
  readonly text: string
  readonly isControl: boolean
}

/** One line of a screen, printable and no wider than that. */
export interface ScreenLine {
  readonly text: string
  readonly look?: 'selected' | 'head'
}

/** What a terminal has room for. */
export interface ScreenSize {
  readonly columns: number
  readonly rows: number
}

const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J'
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l'
const LOOKS = { selected: '\x1b[7m', head: '\x1b[1m' } as const
const PLAIN = '\x1b[0m'
/** After so long an escape is the key, and no beginning of another one; a slow line may tear them apart. */
const ESCAPE_MS = 200

/** Whether we have a terminal that shows a screen, and hear its keys. */
export function hasScreen(environment: NodeJS.ProcessEnv): boolean {
  return isatty(0) && isatty(1) && environment.TERM !== undefined && !['', 'dumb'].includes(environment.TERM)
}

/**
 * The whole terminal: what is drawn stands on the alternate screen, keys come one by one. Disposing it brings back what
 * was there; so does the process's end, also by a crash.
 */
export class FullScreen implements Disposable {
  readonly #ctx: Context
  readonly #output = new NonBlockingOutput(1)
  readonly #onKey: (key: Key) => void
  readonly #onResize: () => void
  readonly #onFailure: (thrown: unknown) => void
  #isOpen = false
  #entering: Promise<void> = Promise.resolve()
  /** What the terminal shows by now, line by line; nothing is known of it before the first drawing. */
  #shown: string[] | undefined
  #next: readonly ScreenLine[] | undefined
  #isDrawing = false

  /** `onFailure` hears that the terminal is gone. */
  constructor(ctx: Context, onKey: (key: Key) => void, onResize: () => void, onFailure: (thrown: unknown) => void) {
    this.#ctx = ctx
    this.#onKey = onKey
    this.#onResize = onResize
    this.#onFailure = onFailure
    emitKeypressEvents(process.stdin, { escapeCodeTimeout: ESCAPE_MS } as unknown as Interface)
    this.enter()
  }

  get size(): ScreenSize {
    const [columns, rows] = process.stdout.getWindowSize()
    return { columns: columns || 80, rows: rows || 24 }
  }

  /** Takes the terminal, at first, and when we were stopped and go on. */
  enter(): void {
    if (this.#isOpen) return
    this.#isOpen = true
    process.once('exit', this.leave)
    for (const crash of CRASHES) process.prependListener(crash, this.leave)
    process.stdin.on('keypress', this.#heard)
    process.stdin.on('end', this.#gone)
    process.stdout.on('resize', this.#onResize)
    process.stdin.setRawMode(true)
    process.stdin.resume()
    this.#shown = undefined
    this.#entering = this.#output.write(Buffer.from(ENTER))
    this.#entering.catch(() => {}) // Whoever draws hears of it.
  }

  /** Gives it back as it was. */
  readonly leave = (): void => {
    if (!this.#isOpen) return
    this.#isOpen = false
    process.off('exit', this.leave)
    for (const crash of CRASHES) process.off(crash, this.leave)
    process.stdin.off('keypress', this.#heard)
    process.stdin.off('end', this.#gone)
    process.stdout.off('resize', this.#onResize)
    process.stdin.pause()
    try {
      process.stdin.setRawMode(false)
      // At once: the process may be about to end, or to tell why it does. After su the terminal is somebody else's, and
      // only takes what waits for it.
      if (this.#output.isAtOnce) this.#output.writeNow(Buffer.from(LEAVE))
      else writeSync(1, LEAVE)
    } catch {
      // It is gone, and there is nobody to restore it for.
    }
  };

  [Symbol.dispose](): void {
    this.leave()
  }

  /** Forgets what is shown: the next drawing is one of everything. */
  refresh(): void {
    this.#shown = undefined
  }

  /** Draws these lines from the top, and nothing below. On a slow line the last drawing counts. */
  draw(lines: readonly ScreenLine[]): void {
    this.#next = lines
    if (!this.#isDrawing) void this.#drawAll()
  }

  async #drawAll(): Promise<void> {
    this.#isDrawing = true
    try {
      while (this.#next && this.#isOpen) {
        const text = this.#changesTo(this.#next)
        this.#next = undefined
        if (text === '') continue
        await unlessAborted(this.#ctx.signal, this.#entering)
        await unlessAborted(this.#ctx.signal, this.#output.write(Buffer.from(text)))
      }
    } catch (thrown) {
      this.#onFailure(thrown)
    } finally {
      this.#isDrawing = false
    }
  }

  #changesTo(lines: readonly ScreenLine[]): string {
    const before = this.#shown
    const after = lines.map(({ text, look }) => (look ? `${LOOKS[look]}${text}${PLAIN}` : text))
    this.#shown = after
    // Erased before it is written: behind a full line the cursor stands on the last letter.
    const drawn = after.flatMap((line, n) => (line === before?.[n] ? [] : [`\x1b[${n + 1};1H\x1b[K${line}`]))
    const below = before?.slice(after.length).map((_, n) => `\x1b[${after.length + n + 1};1H\x1b[K`) ?? []
    return [...(before ? [] : ['\x1b[2J']), ...drawn, ...below].join('')
  }

  readonly #gone = (): void => this.#onFailure(new Failure('unwritable', 'the terminal is gone'))

  readonly #heard = (text: string | undefined, { name = '', ctrl = false, sequence = '' }: Pressed): void => {
    this.#onKey({ name: name || sequence, text: text ?? '', isControl: ctrl })
  }
}

const CRASHES = ['uncaughtException', 'unhandledRejection'] as const

/** As node:readline tells of it. */
interface Pressed {
  readonly name?: string
  readonly ctrl?: boolean
  readonly sequence?: string
}
