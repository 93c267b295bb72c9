import { expect, test } from 'vitest'
import { createLog } from '../../../../src/base/log.ts'
import { FailoverAgent } from '../../../../src/leader/agent/failover-agent.ts'
import { NO_REINIT } from '../../../../src/leader/agent/reinit-desk.ts'
import type { Application } from '../../../../src/leader/application/application.ts'
import type { LeaderLock, LockListener } from '../../../../src/leader/election/leader-lock.ts'
import type { MasterTime } from '../../../../src/leader/guardian/agent-guardian.ts'
import { VirtualClock } from '../../../virtual/virtual-clock.ts'

const GRACE_MS = 11_000
const FENCE_MS = 5000
const LEASE_MS = 7000

/** A master whose calls end as `call` says; its guardian's last word is kept. */
async function master(call: Application['call']) {
  const clock = new VirtualClock()
  const log = createLog({ format: 'text', quiet: true, debug: false, write: () => {} })
  const ctx = { clock, log, signal: new AbortController().signal, random: Math.random }
  const application = { canDemote: true, canFence: false, canStandBy: false, asksReadiness: false, call }
  const guardian: { time: (() => MasterTime) | undefined } = { time: undefined }
  let isFree = true
  let listener: LockListener | undefined
  const lock: LeaderLock = {
    fence: 1,
    leaseLeftMs: LEASE_MS,
    since: undefined,
    contend: async () => {
      if (isFree) listener?.emit({ kind: 'won' })
      isFree = false
    },
    withdraw() {},
    async announce() {},
    async recount() {},
    lose() {},
    handOver() {},
    async release() {},
    releaseLost() {},
    takeBack() {},
    abandon() {},
  }
  const forEver = () => new Promise<void>(() => {})
  const agent = new FailoverAgent(
    ctx,
    {
      name: 'toy',
      node: 'n1',
      application: { ...application, health: async () => ({ healthy: true, message: '', role: 'slave' as const }) },
      registration: { done: forEver(), publish() {}, keep: forEver, remove: forEver },
      guardian: {
        failed: new AbortController().signal,
        setSession() {},
        setMaster: (time) => {
          guardian.time = time
        },
        setCallGroup() {},
        dismiss() {},
      },
      lock: (_, own) => {
        listener = own
        return lock
      },
      isFormerLife: () => false,
      graceMs: GRACE_MS,
      fenceMs: FENCE_MS,
      reinit: NO_REINIT,
      spectators: [],
      watchStoredState: forEver,
      watchPeers: forEver,
      sayPosition: forEver,
      answerStepDown: forEver,
      beginSwitchover: forEver,
      promoteWithLoss: (_, promote) => promote(),
    },
    {
      healthRule: { fall: 3, rise: 1 },
      intervalMs: 2000,
      nofailover: false,
      priority: 0,
      minLeaderMs: 0,
      maxLag: undefined,
      lookMs: 10_000,
    },
  )
  void agent.run()
  await clock.advance(1000)
  expect(agent.status.role).toBe('master')
  return { clock, agent, guardian, lose: () => listener?.emit({ kind: 'lost', hurried: false }) }
}

test('the guardian of a master has it demoted when the lease is over', async () => {
  const { guardian } = await master(async () => ({ ok: true, message: '' }))
  expect(guardian.time?.()).toEqual({ leftMs: LEASE_MS, restMs: GRACE_MS, isLeased: true })
})

test('the guardian waits for a demotion from the loss of the lock, whatever happens meanwhile', async () => {
  const ended = { ok: true, message: '' }
  const { clock, guardian, lose } = await master(async (_, call) =>
    call === 'demote' ? new Promise<typeof ended>(() => {}) : ended,
  )
  lose()
  await clock.advance(4000)
  expect(guardian.time?.()).toEqual({ leftMs: GRACE_MS - FENCE_MS - 4000, restMs: FENCE_MS, isLeased: false })
})

test('the guardian lets an agent that is alive try again to demote', async () => {
  const { clock, agent, guardian, lose } = await master(async (_, call) => ({ ok: call !== 'demote', message: '' }))
  lose()
  await clock.advance(60_000)
  expect(agent.status.stuck).toBe(true)
  expect(guardian.time?.()).toEqual({ leftMs: GRACE_MS, restMs: GRACE_MS, isLeased: false })
})

test('the guardian of a demoted application has nothing to demote', async () => {
  const { clock, guardian, lose } = await master(async () => ({ ok: true, message: '' }))
  lose()
  await clock.advance(1000)
  expect(guardian.time).toBeUndefined()
})
