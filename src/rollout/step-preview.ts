import type { Context } from '../base/context.ts'
import { viewUnlessBootstrap } from './bootstrap.ts'
import type { HostRollout } from './host-rollout.ts'
import { NO_SLOT, nextMove, type Waiting } from './next-move.ts'
import { missedReboot } from './reboot.ts'
import { areSlotsTaken } from './rollout-slots.ts'

/** What a step of this host would come to now. */
export type StepPreview =
  | Pick<Waiting, 'kind' | 'why'>
  | {
      readonly kind: 'idle' | 'would-upgrade' | 'would-reboot' | 'would-fail' | 'would-bootstrap'
      readonly why: string
    }

/** Looks as a step does, and changes nothing: no slot, no record, no command. Rejects with a `Failure`. */
export async function previewHostStep(ctx: Context, rollout: HostRollout): Promise<StepPreview> {
  const { host } = rollout
  const view = await viewUnlessBootstrap(ctx, rollout)
  if (view === undefined) return wouldBootstrap(host)
  const { local, limits } = view.facts
  const move = await nextMove(ctx, rollout, view)
  switch (move.kind) {
    case 'bootstrap':
      return wouldBootstrap(host)
    case 'untriggered':
      return { kind: 'idle', why: 'no version was triggered yet' }
    case 'validate':
      return { kind: 'idle', why: `${host} runs ${local}` }
    case 'waiting':
      return { kind: 'waiting', why: move.why }
    case 'reboot': {
      const missed = missedReboot(ctx, rollout, move.backByMs)
      if (missed !== undefined) return { kind: 'would-fail', why: `${host} would fail: ${missed}` }
      return { kind: 'would-reboot', why: `${host} would reboot for ${move.version}` }
    }
    case 'upgrade': {
      if (await areSlotsTaken(ctx, rollout, limits)) return { kind: 'waiting', why: NO_SLOT.why }
      const from = local === '' ? '' : ` from ${local}`
      return { kind: 'would-upgrade', why: `${host} would upgrade${from} to ${move.version}` }
    }
  }
}

function wouldBootstrap(host: string): StepPreview {
  return { kind: 'would-bootstrap', why: `${host} has no version, and would run the bootstrap commands` }
}
