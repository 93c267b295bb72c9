import { expect, test } from 'vitest'
import { createLog } from '../../../../src/base/log.ts'
import { ApplicationCalls } from '../../../../src/leader/agent/application-calls.ts'
import { ChangeLog } from '../../../../src/leader/agent/change-log.ts'
import type { Application, CallResult } from '../../../../src/leader/application/application.ts'
import { virtualLock } from '../../../virtual/virtual-lock.ts'

/** Calls of an application each of which ends when `end` says how. */
function callsOfToy() {
  const { ctx } = virtualLock()
  const silent = createLog({ format: 'text', quiet: true, debug: false, write: () => {} })
  const calls = new ApplicationCalls(new ChangeLog(silent, 'toy'), () => {})
  let end: (result: CallResult) => void = () => {}
  const application = {
    call: () =>
      new Promise<CallResult>((resolve) => {
        end = resolve
      }),
  } as Pick<Application, 'call'> as Application
  const make = (call: 'demote' | 'ensure-master') =>
    calls.make(ctx, application, { kind: 'call', call, leader: undefined, hurried: false }, 1)
  return { calls, make, end: (ok: boolean) => end({ ok, message: '' }) }
}

test('calls of an application come one at a time: nothing promotes it while it is demoted', async () => {
  const { calls, make, end } = callsOfToy()
  const demoting = make('demote')
  await expect(make('ensure-master')).rejects.toThrow('not promoted while it is demoted')
  end(true)
  expect(await demoting).toMatchObject({ ok: true })
  const promoting = make('ensure-master')
  end(false)
  expect(await promoting).toMatchObject({ ok: false })
  expect(calls.counts).toMatchObject({ demotions: 1, failedCalls: 1 })
})
