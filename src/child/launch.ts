import type { Child, Launch } from './child.ts'
import { launchDetached } from './detached.ts'
import { mayHandOnTerminal } from './foreground.ts'

/**
 * Starts a command in a process group of its own, with our standard streams, working directory and arguments
 * untouched. On a terminal it becomes the foreground job there; otherwise it gets a session of its own. Should we exit
 * for whatever reason while it runs, its group is killed. Rejects with a failure when it can't be started.
 */
export async function launch(request: Launch): Promise<Child> {
  if (!mayHandOnTerminal(request.environment)) return launchDetached(request)
  return (await import('./terminal.ts')).launchOnTerminal(request)
}
