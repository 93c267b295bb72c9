import { setFlagsFromString } from 'node:v8'

/** Off in our executable, for a run is over before they pay. */
const COMPILERS = ['--sparkplug', '--maglev', '--opt']

/** For a process that answers requests for a long time: with them it answers five times as many. */
export function turnOnCompilers(): void {
  for (const compiler of COMPILERS) setFlagsFromString(compiler)
}
