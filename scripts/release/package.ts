import type { Architecture } from './about.ts'
import type { Edition } from './release-edition.ts'

/** A package that is to be made. */
export interface Package {
  readonly edition: Edition
  readonly arch: Architecture
  /** A folder with all that is made for it, in `made`; the rest of its room is the package's. */
  readonly work: string
  /** The folder that the package goes to. */
  readonly into: string
  /** As for a release, or not at all, where only what is in it matters. */
  readonly compression: 'xz' | 'none'
}
