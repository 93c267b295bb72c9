import { makeDeb } from './deb.ts'
import type { Package } from './package.ts'
import { makeRpm } from './rpm.ts'
import { makeTarball } from './tarball.ts'

/** The kinds of packages. */
export const FORMATS: readonly { readonly name: string; readonly make: (wanted: Package) => Promise<string> }[] = [
  { name: 'deb', make: makeDeb },
  { name: 'rpm', make: makeRpm },
  { name: 'tar', make: makeTarball },
]
