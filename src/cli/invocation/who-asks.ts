import { hostname } from 'node:os'
import { userName } from '../../host/user-name.ts'

/** Who asks, for people: `root@web1`. */
export function whoAsks(): string {
  return `${userName()}@${hostname()}`
}
