import { firstOf } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { quiet } from '../base/quiet-log.ts'
import type { Consul } from '../consul/consul.ts'
import { Retry } from '../consul/retry.ts'
import type { LocksView } from '../overview/lock-view.ts'
import { type RolloutView, watchRollout } from '../overview/rollout-view.ts'
import { watchSwitches } from '../overview/switch-view.ts'
import { watchLocks } from '../overview/watch-locks.ts'
import type { Board } from './board.ts'
import { rolloutRow, switchRow } from './change-rows.ts'
import { LeaderWatches } from './leader-watches.ts'
import { lockRows, pauseOf } from './lock-row.ts'
import { watchOutages } from './outage-watch.ts'
import { line } from './texts.ts'

/**
 * Keeps the board as Consul is, until the context's signal aborts; of rollouts those with these prefixes, and the one
 * that has none. Rejects with a `Failure` that doesn't pass.
 */
export async function watchScene(
  ctx: Context,
  consul: Consul,
  board: Board,
  rolloutPrefixes: readonly string[],
): Promise<never> {
  const prefixes = [...new Set(['', ...rolloutPrefixes])]
  const rollouts = new Map<string, RolloutView | undefined>()
  const showRollout = (prefix: string) => (view: RolloutView | undefined) => {
    rollouts.set(prefix, view)
    if (rollouts.size < prefixes.length) return
    const known = prefixes.flatMap((prefix) => rollouts.get(prefix) ?? [])
    board.show({ rollouts: known.map(rolloutRow) })
  }
  return firstOf<never>(ctx, [
    async (ctx) => {
      const leaders = new LeaderWatches(ctx, consul, board)
      const warned = new Set<string>()
      const show = (view: LocksView) => {
        showLocks(board, view)
        for (const sentence of view.unseen.filter((sentence) => !warned.has(sentence))) {
          warned.add(sentence)
          ctx.log.warn(sentence)
        }
        leaders.follow(view.locks.filter(({ kind }) => kind === 'leader').map(({ name }) => name))
      }
      return watchLocks(ctx, consul, { areAllRuns: true }, show)
    },
    // The watch over the locks tells of outages.
    ...prefixes.map(
      (prefix) => (ctx: Context) => watchRollout(quiet(ctx), consul, prefix, showRollout(prefix), new Retry(consul)),
    ),
    (ctx) =>
      watchSwitches(quiet(ctx), consul, (views) => board.show({ switches: views.map(switchRow) }), new Retry(consul)),
    (ctx) => watchOutages(ctx, consul, board),
  ])
}

function showLocks(board: Board, view: LocksView): void {
  const { pause, unseen } = view
  board.show({
    locks: lockRows(view),
    pause: pause && pauseOf(pause),
    unseen: unseen.map(line),
    isKnown: true,
  })
}
