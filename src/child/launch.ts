import type { Child, LaunchRequest } from './child.ts'
import { mayHandOnTerminal } from './foreground.ts'
import { launchDetached } from './launch-detached.ts'

/**
 * Starts a command in a process group of its own, with our standard streams, working directory and arguments
 * untouched. On a terminal it becomes the foreground job there; otherwise it gets a session of its own. Should we exit
 * for whatever reason while it runs, its group is killed. Rejects with a failure when it can't be started.
 */
export async function launch(request: LaunchRequest): Promise<Child> {
  if (!mayHandOnTerminal(request.environment)) return launchDetached(request)
  return (await import('./launch-on-terminal.ts')).launchOnTerminal(request)
}
