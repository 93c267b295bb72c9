import { makeDeb } from './deb.ts'
import { makeNpmMain, makeNpmPlatform } from './npm.ts'
import type { Package } from './package.ts'
import { makeRpm } from './rpm.ts'
import { makeTarball } from './tarball.ts'

/** A kind of packages. */
export interface Format {
  readonly name: string
  /** Makes the one for an architecture. Settles with its file's name. */
  make(wanted: Package): Promise<string>
  /** Makes what all architectures share, if there is something. */
  makeShared?(work: string, into: string): Promise<string>
}

export const FORMATS: readonly Format[] = [
  { name: 'deb', make: makeDeb },
  { name: 'rpm', make: makeRpm },
  { name: 'tar', make: makeTarball },
  { name: 'npm', make: makeNpmPlatform, makeShared: makeNpmMain },
]
