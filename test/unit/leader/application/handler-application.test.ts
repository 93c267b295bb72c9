import { expect, test } from 'vitest'
import { createLog } from '../../../../src/base/log.ts'
import type { Handler } from '../../../../src/leader/application/handler.ts'
import { HandlerApplication } from '../../../../src/leader/application/handler-application.ts'
import { parseLeaderFile } from '../../../../src/leader/leader-file.ts'
import type { ApplicationCall } from '../../../../src/leader/machine/agent-state.ts'
import { VirtualClock } from '../../../virtual/virtual-clock.ts'

const LEADER = { node: 'n2', address: '10.0.0.2', port: 6379, promoted: true }
const CALLS: ApplicationCall[] = ['ready', 'ensure-master', 'ensure-slave', 'stand-by', 'reinit', 'demote', 'fence']

function refuses(): never {
  throw new Error('not asked for')
}

const HANDLER: Handler = {
  health: refuses,
  readyToLead: refuses,
  ensureMaster: refuses,
  ensureSlave: refuses,
  standBy: refuses,
  demote: refuses,
  fence: refuses,
  reinit: refuses,
}

function driven(handler: Partial<Handler>) {
  const clock = new VirtualClock()
  const log = createLog({ format: 'text', quiet: true, debug: false, write: () => {} })
  const stop = new AbortController()
  const ctx = { clock, log, signal: stop.signal, random: Math.random }
  const file = parseLeaderFile('app.yaml', 'name: toy\nport: 1\nmodule: ./toy.js\n')
  const application = new HandlerApplication(file, { ...HANDLER, ...handler })
  const call = (call: ApplicationCall, hurried = false) =>
    application.call(ctx, call, { leader: LEADER, fence: 7, hurried, onGroup: () => {} })
  return { clock, ctx, stop, application, call }
}

test('each call reaches the function of its name', async () => {
  const asked: string[] = []
  const notes = (name: string) => async () => {
    asked.push(name)
  }
  const { call } = driven({
    readyToLead: async () => ({ ready: true, message: '', position: 12n }),
    ensureMaster: notes('ensureMaster'),
    ensureSlave: async (_, leader) => {
      asked.push(`ensureSlave of ${leader.node}`)
    },
    standBy: notes('standBy'),
    reinit: async (_, leader) => {
      asked.push(`reinit from ${leader.node}`)
    },
    demote: notes('demote'),
    fence: notes('fence'),
  })
  const results = []
  for (const one of CALLS) results.push(await call(one))
  expect(results).toEqual([
    { ok: true, message: '', position: 12n },
    ...CALLS.slice(1).map(() => ({ ok: true, message: '' })),
  ])
  expect(asked).toEqual(['ensureMaster', 'ensureSlave of n2', 'standBy', 'reinit from n2', 'demote', 'fence'])
})

test('what a handler throws has failed, and is said in one short, printable line', async () => {
  const fails = async () => Promise.reject(new Error(`no \x1b[31m\n${'x'.repeat(500)}`))
  const { call, ctx, application } = driven({ demote: fails, health: fails })
  const { ok, message } = await call('demote')
  expect(ok).toBe(false)
  expect(message).toMatch(/^no [\P{C}]{150,200}…$/u)
  expect(message.length).toBeLessThanOrEqual(200)
  expect((await application.health(ctx, 'master')).healthy).toBe(false)
})

test('a call is waited for when its time is over, so that it never goes on beside the next', async () => {
  let isOver = false
  const { clock, call } = driven({
    demote: (ctx) =>
      new Promise((_, reject) => {
        ctx.signal.addEventListener('abort', () =>
          clock.after(900, () => {
            isOver = true
            reject(new Error('ended'))
          }),
        )
      }),
  })
  const ended = call('demote')
  await clock.advance(5899)
  expect(isOver).toBe(false)
  await clock.advance(1)
  expect(isOver).toBe(true)
  expect(await ended).toEqual({ ok: false, message: 'no end within 5s' })
})

test('one that is deaf has failed a second later', async () => {
  const { clock, call } = driven({ demote: () => new Promise(() => {}) })
  let hasEnded = false
  const ended = call('demote').finally(() => {
    hasEnded = true
  })
  await clock.advance(5999)
  expect(hasEnded).toBe(false)
  await clock.advance(1)
  expect(await ended).toEqual({ ok: false, message: 'no end within 5s, and may go on' })
})

test('who is in a hurry gives two seconds', async () => {
  const { clock, call } = driven({ demote: () => new Promise(() => {}) })
  const ended = call('demote', true)
  await clock.advance(3000)
  expect(await ended).toEqual({ ok: false, message: 'no end within 2s, and may go on' })
})
