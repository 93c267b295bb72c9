import { dieWithParent } from '../../child/die-with-parent.ts'
import type { Executable } from '../../child/executable.ts'
import type { ExitStatus } from '../../child/exit-status.ts'
import { launch } from '../../child/launch.ts'
import { marked, newMarker } from '../../child/marker.ts'
import { SignalRelay } from '../../child/signal-relay.ts'
import type { SignalSource } from '../../child/signals.ts'

/**
 * Runs a command in a process of its own as if it were ours: it gets our signals, and is killed when we are. Settles
 * with how it ended.
 */
export async function runInOurPlace(
  signals: SignalSource,
  command: Executable,
  environment: NodeJS.ProcessEnv,
): Promise<ExitStatus> {
  using relay = new SignalRelay(signals)
  const marker = newMarker('WAITED')
  const child = await dieWithParent(marker, environment, () =>
    launch({ command, environment: marked(environment, marker), marker }),
  )
  relay.to(child)
  return await child.exited
}
