import { cantTell, type Diagnosis, fine, warning } from '../diagnosis.ts'
import type { Inspection } from '../inspection.ts'
import { kernelText } from './kernel-limits.ts'

/** They say which libraries a program gets, ours included. */
const LOADER_VARIABLES = ['LD_PRELOAD', 'LD_LIBRARY_PATH', 'LD_AUDIT']

/** Which libraries we run on. */
export const librariesInspection: Inspection = {
  code: 'CL502',
  topic: 'This machine',
  title: 'libraries',
  needs: [],
  asksConsul: false,
  look: (_ctx, { environment }) => judgeLibraries(kernelText('/proc/self/maps'), environment),
}

/** `maps` is our /proc/self/maps. */
export function judgeLibraries(maps: string | undefined, environment: NodeJS.ProcessEnv): Diagnosis {
  const set = LOADER_VARIABLES.filter((name) => environment[name])
  if (set.length > 0) {
    return warning(
      `${set.join(' and ')} ${set.length > 1 ? 'give' : 'gives'} us, the guardian and the command other libraries`,
      'leave it out, or set it for the command alone: consul-locker NAME env LD_PRELOAD=… COMMAND',
    )
  }
  if (maps === undefined) return cantTell('/proc/self/maps is not there', 'mount it: mount -t proc proc /proc')
  const files = new Set([...maps.matchAll(/\s(\/\S*\/((?:libc|libstdc\+\+)[.-][^/\s]*))$/gm)].map(([, , file]) => file))
  return fine(`libraries: ${[...files].sort().join(', ') || 'those of the loader'}`)
}
