import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { inject } from 'vitest'
import { afterTest } from './after-test.ts'

/** The executable that the tests run. */
export const LOCKER = join(import.meta.dirname, '../../dist/consul-locker')

const limitMs = 40_000

/** How a process ended, and all that it wrote. */
export interface Ended {
  /** As a shell reports it: 128+n after signal n. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** The standard output, byte for byte. */
  readonly output: Buffer
}

export interface LockerOptions {
  /** Put over the environment, which is nothing but PATH, HOME and CONSUL_HTTP_ADDR; `undefined` takes one away. */
  readonly env?: NodeJS.ProcessEnv
  /** The agent; by default the one that all tests share. */
  readonly address?: string
  readonly cwd?: string
  /** What the standard input gives; by default it is /dev/null. */
  readonly input?: Buffer
  readonly stdio?: StdioOptions
  /** Words in front of the executable's own: a shell, nohup, another locker. */
  readonly through?: readonly string[]
  /** Another copy of the executable. */
  readonly locker?: string
}

/** Starts the executable. It doesn't outlive its test. */
export function startLocker(args: readonly string[], options: LockerOptions = {}): Running {
  const [file, ...words] = [...(options.through ?? []), options.locker ?? LOCKER, ...args] as [string, ...string[]]
  const { cwd, input, stdio = [input ? 'pipe' : 'ignore', 'pipe', 'pipe'] } = options
  const env = lockerEnvironment(options)
  const running = new Running(spawn(file, words, { env, stdio, ...(cwd === undefined ? {} : { cwd }) }))
  if (input) running.child.stdin?.on('error', () => {}).end(input)
  return running
}

/** Runs the executable to its end. */
export function runLocker(args: readonly string[], options: LockerOptions = {}): Promise<Ended> {
  return startLocker(args, options).ends()
}

/** The environment that a test's locker gets. */
export function lockerEnvironment({ env = {}, address = inject('consulAddress') }: LockerOptions): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env
  const all = { PATH, HOME, CONSUL_HTTP_ADDR: address, ...env }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

/** For who writes to its standard input. */
export const piped = { stdio: ['pipe', 'pipe', 'pipe'] as 'pipe'[] }

/** A process that was started for a test, and what it has written so far. */
export class Running {
  readonly child: ChildProcess
  readonly #closed: Promise<unknown>
  readonly #output: Buffer[] = []
  #stderr = ''

  constructor(child: ChildProcess) {
    this.child = child
    child.stdout?.on('data', (chunk: Buffer) => this.#output.push(chunk))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    this.#closed = once(child, 'close')
    this.#closed.catch(() => {})
    afterTest(() => this.#end())
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.child.spawnfile} did not start`)
    return this.child.pid
  }

  get stdout(): string {
    return Buffer.concat(this.#output).toString()
  }

  get stderr(): string {
    return this.#stderr
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  /** Sends a signal to the process itself, not to its group. */
  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  /** Waits until the standard output matches. */
  prints(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#matches('stdout', pattern)
  }

  /** Waits until the standard error matches. */
  says(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#matches('stderr', pattern)
  }

  async #matches(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> {
    const look = () => {
      const found = pattern.exec(this[stream])
      if (!found && this.hasEnded) throw new Error(`ended (${this.child.exitCode}) without ${pattern}: ${this.#all()}`)
      return found
    }
    return (await patiently(look, () => `no ${pattern} on ${stream}: ${this.#all()}`)) as RegExpExecArray
  }

  /** Waits for the end of the process and of its output. */
  async ends(): Promise<Ended> {
    let closed = false
    const close = this.#closed.then(() => {
      closed = true
    })
    const late = () => `${this.hasEnded ? 'its output is still open' : 'it has not ended'}: ${this.#all()}`
    await Promise.race([close, patiently(() => closed, late)])
    const { exitCode: code, signalCode: signal } = this.child
    const output = Buffer.concat(this.#output)
    return { code, signal, stdout: output.toString(), stderr: this.#stderr, output }
  }

  #all(): string {
    return JSON.stringify({
      args: this.child.spawnargs.slice(1),
      stdout: this.stdout.slice(-2000),
      stderr: this.stderr.slice(-2000),
    })
  }

  /** The second TERM makes a runner kill its command; only then is it killed itself. */
  async #end(): Promise<void> {
    if (this.hasEnded || this.child.pid === undefined) return
    const exited = once(this.child, 'exit')
    for (const signal of ['SIGCONT', 'SIGTERM', 'SIGTERM'] as const) this.kill(signal)
    const late = setTimeout(() => this.kill('SIGKILL'), 5000)
    await exited
    clearTimeout(late)
  }
}

/**
 * Waits until `look` gives something, for a test's patience; then it fails with `complaint`. It looks often at first,
 * and ten times a second in the end: a look may be a process, and the machine has other tests to run.
 */
export async function patiently<T>(look: () => T | Promise<T>, complaint: () => string): Promise<T> {
  const end = performance.now() + limitMs
  for (let pauseMs = 10; ; pauseMs = Math.min(pauseMs * 1.5, 100)) {
    const found = await look()
    if (found) return found
    if (performance.now() > end) throw new Error(complaint())
    await delay(pauseMs)
  }
}
