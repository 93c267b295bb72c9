import { randomId } from '../base/random-id.ts'

/** An entry in the environment of a command's processes, and of no other's, from their start on. */
export type Marker = `${string}=1`

/** A marker that nobody else has; its name tells what the command is to us. */
export function newMarker(kind: 'STEP' | 'TASK' | 'WAITED'): Marker {
  return `CONSUL_LOCKER_${kind}_${randomId().replaceAll('-', '_')}=1`
}

/** An environment that has the marker, too. */
export function marked(environment: NodeJS.ProcessEnv, marker: Marker): NodeJS.ProcessEnv {
  const [name = ''] = marker.split('=')
  return { ...environment, [name]: '1' }
}
