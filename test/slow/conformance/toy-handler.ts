import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { startGroupReaper } from '../../../scripts/provide/group-reaper.ts'
import { aborted, sleep, unlessAborted, withAbortGrace } from '../../../src/base/abort.ts'
import type { Context } from '../../../src/base/context.ts'
import type { HealthReport } from '../../../src/leader/application/application.ts'
import type { Handler, HandlerSetting, Readiness } from '../../../src/leader/application/handler.ts'
import { killed } from '../../../src/leader/application/own-process.ts'
import { listeningOn } from '../../../src/leader/application/port-holders.ts'
import type { Leader } from '../../../src/leader/machine/agent-state.ts'

/** Listens on a port, knows its role, and is told another one; a file has the role that it begins with. */
const SERVER = `
const { readFileSync, writeFileSync } = require('node:fs')
const [port, file, remembers] = process.argv.slice(1)
let role = 'slave'
try { if (remembers === 'true') role = readFileSync(file, 'utf8') } catch {}
require('node:net').createServer((socket) => {
  socket.on('error', () => {}).setEncoding('utf8').once('data', (line) => {
    if (line.trim() !== 'role') writeFileSync(file, role = line.trim())
    socket.end(role)
  })
}).listen(Number(port), '127.0.0.1')
`

/** A way in which it breaks its promises. */
export type BrokenPromise =
  | 'stand-by-opens-it'
  | 'never-ready'
  | 'promotes-in-words-only'
  | 'promotes-once'
  | 'demotes-in-words-only'
  | 'demote-hangs'
  | 'demotes-once'
  | 'demotes-the-hung'
  | 'slave-becomes-master'
  | 'waits-for-its-master'
  | 'ready-though-behind'
  | 'notes-though-not-last'
  | 'deaf'
  | 'goes-on-behind'
  | 'healthy-though-hung'
  | 'healthy-though-dead'
  | 'ready-though-dead'
  | 'fences-nobody'
  | 'fence-fails-of-the-dead'
  | 'comes-back-as-master'
  | 'leaves-a-process'

/** Drives a toy server, with one fault or without. */
export class ToyHandler implements Handler {
  readonly #setting: HandlerSetting
  readonly #stateFile: string
  readonly #fault: BrokenPromise | undefined
  /** Ends what a test that is killed leaves behind. */
  readonly #groupReaper = startGroupReaper()
  readonly #started: ChildProcess[] = []
  #hasEnded = false
  #calls = 0

  constructor(setting: HandlerSetting, stateFile: string, fault: BrokenPromise | undefined) {
    this.#setting = setting
    this.#stateFile = stateFile
    this.#fault = fault
    writeFileSync(stateFile, 'slave')
  }

  async health(ctx: Context): Promise<HealthReport> {
    if (await this.#isDown())
      return { healthy: this.#fault === 'healthy-though-dead', message: 'it is down', role: 'stopped' }
    if (this.#fault === 'healthy-though-hung') return { healthy: true, message: 'it listens' }
    const role = (await this.#ask(ctx, 'role')) === 'master' ? 'master' : 'slave'
    return { healthy: true, message: `it is ${role}`, role }
  }

  async readyToLead(ctx: Context): Promise<Readiness> {
    if (this.#fault === 'never-ready') return { ready: false, message: 'not today' }
    const note = await this.#setting.notes.read(ctx)
    if (this.#fault !== 'ready-though-dead') await this.#ask(ctx, 'role')
    const isBehind = note !== undefined && note.node !== this.#setting.node && this.#fault !== 'ready-though-behind'
    return isBehind ? { ready: false, message: `${note.node} had more` } : { ready: true, message: '' }
  }

  async ensureMaster(ctx: Context): Promise<void> {
    this.#calls += 1
    if (this.#fault === 'promotes-once' && this.#calls === 2) throw new Error('it is master already')
    if (this.#fault === 'deaf') await sleep({ ...ctx, signal: AbortSignal.timeout(20_000) }, 2500)
    if (this.#fault === 'goes-on-behind') {
      aborted(ctx.signal).then(async () => {
        const later = { ...ctx, signal: AbortSignal.timeout(20_000) }
        await sleep(later, 900)
        await this.#ask(later, 'master').catch(() => {})
      })
      await sleep(ctx, 300)
    }
    if (this.#fault === 'leaves-a-process') this.#spawn('sleep', ['600'])
    await this.#start(ctx)
    if (this.#fault !== 'promotes-in-words-only') await this.#ask(ctx, 'master')
  }

  async ensureSlave(ctx: Context, leader: Leader): Promise<void> {
    await this.#start(ctx)
    await this.#ask(ctx, this.#fault === 'slave-becomes-master' ? 'master' : 'slave')
    if (this.#fault !== 'waits-for-its-master') return
    const socket = connect(leader.port, leader.address).on('error', () => {})
    try {
      await unlessAborted(ctx.signal, once(socket, 'close'))
    } finally {
      socket.destroy()
    }
  }

  async standBy(ctx: Context): Promise<void> {
    await this.#start(ctx)
    if (this.#fault === 'stand-by-opens-it') await this.#ask(ctx, 'master')
    else if (this.#fault !== 'comes-back-as-master') await this.#ask(ctx, 'slave')
  }

  async demote(ctx: Context): Promise<void> {
    if (await this.#isDown()) return
    if (this.#fault === 'demote-hangs') await sleep(ctx, 60_000)
    if (this.#fault === 'demotes-in-words-only') return
    if (this.#fault === 'demotes-once' && (await this.#setting.notes.read(ctx)))
      throw new Error('it is demoted already')
    if (this.#fault === 'demotes-the-hung') await this.#ask(within(ctx, 500), 'slave').catch(() => {})
    else await this.#ask(ctx, 'slave')
    const { node, notes } = this.#setting
    const before = await notes.read(ctx)
    if (before && before.node !== node && this.#fault !== 'notes-though-not-last') return
    await notes.write(ctx, { node, history: 'toy', position: 1n, slack: 0n })
  }

  async fence(ctx: Context): Promise<void> {
    const found = listeningOn(this.#port)
    if (this.#fault === 'fences-nobody') return
    if (this.#fault === 'fence-fails-of-the-dead' && found.length === 0) throw new Error('there is no such process')
    await killed(ctx, found)
  }

  async reinit(): Promise<void> {}

  /** Ends what is left at the end of its test: a server that was just started listens nowhere yet. */
  async end(): Promise<void> {
    this.#hasEnded = true
    for (const child of this.#started) child.kill('SIGKILL')
    await this.#groupReaper.dismiss()
  }

  get #port(): number {
    return this.#setting.file.port
  }

  async #start(ctx: Context): Promise<void> {
    if (!(await this.#isDown())) return
    const remembers = String(this.#fault === 'comes-back-as-master')
    this.#spawn(process.execPath, ['-e', SERVER, String(this.#port), this.#stateFile, remembers])
    const isThere = () =>
      this.#ask(ctx, 'role').then(
        () => true,
        () => false,
      )
    while (!(await isThere())) await sleep(ctx, 50)
  }

  /** Nobody takes connections; one that is stopped does. */
  async #isDown(): Promise<boolean> {
    const socket = connect({ host: '127.0.0.1', port: this.#port })
    try {
      await once(socket, 'connect')
      return false
    } catch {
      return true
    } finally {
      socket.destroy()
    }
  }

  #spawn(file: string, words: string[]): void {
    // A deaf call goes on behind the end of its test.
    if (this.#hasEnded) return
    const child = spawn(file, words, { detached: true, stdio: 'ignore', env: this.#setting.environment })
    child.unref()
    this.#started.push(child)
    const pid = child.pid as number
    this.#groupReaper.guard(pid)
    child.once('exit', () => this.#groupReaper.release(pid))
  }

  async #ask(ctx: Context, line: string): Promise<string> {
    // One that is left halfway may have its effect after the next.
    return withAbortGrace(ctx, 500, async ({ signal }) => {
      const socket = connect({ host: '127.0.0.1', port: this.#port })
      try {
        socket.write(`${line}\n`)
        return (await unlessAborted(signal, text(socket))).trim()
      } finally {
        socket.destroy()
      }
    })
  }
}

function within(ctx: Context, ms: number): Context {
  return { ...ctx, signal: AbortSignal.any([ctx.signal, AbortSignal.timeout(ms)]) }
}
