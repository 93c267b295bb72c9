import type { Context } from '../base/context.ts'
import type { Diagnosis, Mark } from './diagnosis.ts'
import type { ExaminedSystem } from './examined-system.ts'

/** A code for the documents: it stays when an inspection changes, and is never given to another. */
export type Code = `CL${number}`

/** What an inspection is about: they are shown together. */
export type ReportTopic = 'Consul' | 'TLS' | 'This node' | 'Rights' | 'This machine' | 'The lock' | 'The file'

/** One thing to look at. */
export interface Inspection {
  readonly code: Code
  readonly topic: ReportTopic
  /** What is looked at, in a few words. */
  readonly title: string
  /** What must not have failed before this makes sense; those of them that are not looked at don't count. */
  readonly needs: readonly Code[]
  /** Whether it asks Consul: few do at a time, for an agent may limit the connections from one address. */
  readonly asksConsul: boolean
  /** Looks. Rejects with a `Failure` that a run would end with, too. */
  look(ctx: Context, system: ExaminedSystem): Diagnosis | Promise<Diagnosis>
}

/** What has become of an inspection. One that was not tried names what had failed. */
export interface Result {
  readonly inspection: Pick<Inspection, 'code' | 'topic' | 'title'>
  readonly mark: Mark | 'untried'
  readonly said: string
  readonly cure?: string | undefined
}
