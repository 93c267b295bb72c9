import type { Context } from '../base/context.ts'
import type { Site } from '../rollout/site.ts'
import type { Parsed } from './parse.ts'

/** What is asked of a rollout. */
export interface Question {
  readonly ctx: Context
  readonly site: Site
  /** The words behind the first. */
  readonly words: readonly string[]
  readonly options: Parsed['options']
}
