import { hostname } from 'node:os'
import { firstOf } from '../../../base/abort.ts'
import { notifyService } from '../../../child/service-notify.ts'
import type { Consul } from '../../../consul/consul.ts'
import { Board } from '../../../dashboard/board.ts'
import { serveDashboard } from '../../../dashboard/dashboard-server.ts'
import { SignIn } from '../../../dashboard/sign-in.ts'
import type { Unlock } from '../../../dashboard/unlock-request.ts'
import { watchScene } from '../../../dashboard/watch-scene.ts'
import { endSessionHold } from '../../../unlock/end-session-hold.ts'
import { readSessionHolds } from '../../../unlock/read-session-holds.ts'
import { dashboardRules } from '../../connection/acl-rules.ts'
import { connect } from '../../connection/connect.ts'
import { turnOnCompilers } from '../../invocation/compilers.ts'
import { interruptible } from '../../invocation/interruptible.ts'
import { subcommand } from '../../invocation/subcommand.ts'
import { checkNoWords } from '../../syntax/stray-words.ts'
import { checkHostNames } from './host-names.ts'
import { pageFiles } from './page-files.ts'
import { requiredSecret } from './required-secret.ts'
import { DASHBOARD_SYNTAX } from './syntax.ts'

/** `consul-locker dashboard`, until a signal ends it. Settles with 0 then. */
export const dashboardCommand = subcommand(DASHBOARD_SYNTAX, async ({ ctx, options, words, environment, signals }) => {
  checkNoWords(words, 'consul-locker dashboard')
  const secret = requiredSecret(options)
  turnOnCompilers()
  const { 'allow-unlock': mayUnlock, 'rollout-prefix': prefixes } = options
  const consul = await connect(options, environment, dashboardRules(mayUnlock, prefixes))
  const board = new Board()
  const dashboard = {
    board,
    files: pageFiles(),
    names: [hostname(), ...checkHostNames(options['allow-host'])],
    signIn: secret === undefined ? undefined : new SignIn(ctx.clock, secret),
    unlock: mayUnlock ? unlockAt(consul) : undefined,
  }
  const onListening = async (url: string) => {
    ctx.log.notice(`the dashboard is at ${url}`)
    await notifyService(ctx, environment, { ready: true, status: `at ${url}` })
  }
  try {
    return await interruptible(
      ctx,
      signals,
      (ctx) =>
        firstOf(ctx, [
          (ctx) => serveDashboard(ctx, options.listen, dashboard, onListening),
          (ctx) => watchScene(ctx, consul, board, prefixes),
        ]),
      () => 0,
    )
  } finally {
    await notifyService(ctx, environment, { stopping: true })
    consul.close()
  }
})

/** Ends a hold as `consul-locker unlock` does. */
function unlockAt(consul: Consul): Unlock {
  return async (ctx, { key, session, others }) => {
    const { holds } = await readSessionHolds(ctx, consul, { prefixes: [], isMeant: (lock) => lock.key === key })
    const shown = holds.find(({ holder }) => holder.session === session)
    return shown ? endSessionHold(ctx, consul, { ...shown, others }, holds) : { now: undefined }
  }
}
