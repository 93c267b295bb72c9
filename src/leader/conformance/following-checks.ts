import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Context } from '../../base/context.ts'
import type { Leader } from '../machine/agent-state.ts'
import type { Check } from './conformance-check.ts'
import { asFarAsTold, type Subject } from './subject.ts'
import { all, broken, KEPT, untold, type Verdict } from './verdict.ts'

/** What a former master has that this node lacks. */
const OTHERS_NOTE = { node: 'somebody-else', history: 'another-history', position: 10n ** 18n, slack: 0n }

/** The masters that a slave is told of may be dead by then. */
export const FOLLOWING_CHECKS: readonly Check[] = [
  {
    title: 'ensure_slave of a master that is gone ends in time, and leaves no master',
    run: (ctx, subject) => follow(ctx, subject, 'gone'),
  },
  {
    title: 'ensure_slave of a master that hangs ends in time, and leaves no master',
    run: (ctx, subject) => follow(ctx, subject, 'silent'),
  },
  {
    title: 'it can lead after that',
    async run(ctx, subject) {
      return all(
        () => (subject.application.asksReadiness ? subject.does(ctx, 'ready') : KEPT),
        () => subject.does(ctx, 'ensure-master'),
        async () => asFarAsTold(await subject.leads(ctx)),
        () => subject.does(ctx, 'demote'),
      )
    },
  },
  {
    title: 'ready_to_lead refuses when somebody else had more',
    async run(ctx, subject) {
      const { file, notes } = subject
      if (file.application === undefined) return untold('only a handler of ours can be told of others')
      const before = await notes.read()
      notes.replace(OTHERS_NOTE)
      try {
        return (await subject.call(ctx, 'ready')).ok ? broken('it agrees') : KEPT
      } finally {
        notes.replace(before)
      }
    },
  },
  {
    title: "demote of who isn't the last master leaves the note of that one",
    async run(ctx, subject) {
      const { file, notes } = subject
      if (file.application === undefined) return untold('only a handler of ours can be told of others')
      return all(
        () => subject.promoted(ctx),
        async () => {
          const before = await notes.read()
          notes.replace(OTHERS_NOTE)
          try {
            const { ok, message } = await subject.call(ctx, 'demote')
            if (!ok) return broken(message)
            return (await notes.read())?.node === OTHERS_NOTE.node ? KEPT : broken('it has noted its own')
          } finally {
            notes.replace(before)
          }
        },
        () => subject.promoted(ctx),
        () => subject.does(ctx, 'demote'),
      )
    },
  },
]

async function follow(ctx: Context, subject: Subject, master: 'gone' | 'silent'): Promise<Verdict> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const leader: Leader = { node: 'master-under-test', address: '127.0.0.1', port, promoted: true }
  if (master === 'gone') server.close()
  try {
    const beganAt = ctx.clock.now()
    const { ok, message } = await subject.call(ctx, 'ensure-slave', leader)
    const isLate = !ok && ctx.clock.since(beganAt) >= Math.min(subject.limitMs('ensure-slave'), 60_000)
    return isLate ? broken(message) : asFarAsTold(await subject.doesNotLead(ctx))
  } finally {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
}
