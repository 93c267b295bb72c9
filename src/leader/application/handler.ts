import type { Context } from '../../base/context.ts'
import type { LeaderFile } from '../leader-file.ts'
import type { Leader } from '../machine/agent-state.ts'
import type { CallOptions, HealthReport } from './application.ts'
import type { NoteStore } from './note-store.ts'

/** Whether this node may become master now. */
export interface Readiness {
  readonly ready: boolean
  /** Why not, or how far it is. */
  readonly message: string
  /** How much it has: the greater, the more. Only positions of one application are ever compared. */
  readonly position?: bigint
}

/**
 * A kind of application that we know how to fail over. The functions are those that a module exports; what each may
 * assume and must guarantee, and in which order they are called, is in docs/leader-handlers.md.
 *
 * Each has a deadline, at which its context aborts. From then on it must begin nothing more: a promotion that goes on
 * behind the agent's back would make a second master. A rejection says that what was asked for has not come about, or
 * that nobody knows; its message is shown to people. `health` runs beside the others, of which one is called at a time.
 */
export interface Handler {
  /** Says what the application really is, too, when it knows. */
  health(ctx: Context, role: 'master' | 'slave'): Promise<HealthReport>
  readyToLead(ctx: Context): Promise<Readiness>
  /** Also called every interval while it is master. */
  ensureMaster(ctx: Context, options: CallOptions): Promise<void>
  /** Also called every interval while it follows. */
  ensureSlave(ctx: Context, leader: Leader, options: CallOptions): Promise<void>
  /** Nobody leads: it runs, takes no writes, and waits. Called every interval. */
  standBy(ctx: Context, options: CallOptions): Promise<void>
  /** Succeeds only when the application takes no writes, and can't by itself take them again. */
  demote(ctx: Context, options: CallOptions): Promise<void>
  /** Ends the application's own processes, and nobody else's. */
  fence(ctx: Context, options: CallOptions): Promise<void>
  /** Throws the data away, and takes the master's. */
  reinit(ctx: Context, leader: Leader, options: CallOptions): Promise<void>
}

/** What a handler is made of. */
export interface HandlerSetting {
  readonly file: LeaderFile
  /** The Consul node. */
  readonly node: string
  /** What the last master had. */
  readonly notes: NoteStore
  /** For the programs that it runs. */
  readonly environment: NodeJS.ProcessEnv
}

/** `before` drove the same application until the agent's file was read again. */
export type HandlerFactory = (setting: HandlerSetting, before?: Handler) => Handler
