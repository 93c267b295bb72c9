import { constants, copyFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'

const BUILT = join(import.meta.dirname, '../../dist/consul-locker')

/** The executable's path. Throws when there is none. */
export function builtLocker(path = BUILT): string {
  if (!existsSync(path)) throw new Error(`${path} is not there: "npm run build" makes it.`)
  return path
}

/** A copy of it in `dir`: whoever builds meanwhile must not change what is tried. */
export function copyOfLocker(dir: string): string {
  const copy = join(dir, 'consul-locker')
  copyFileSync(builtLocker(), copy, constants.COPYFILE_FICLONE)
  return copy
}
