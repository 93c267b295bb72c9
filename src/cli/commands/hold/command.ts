import { hostname } from 'node:os'
import type { Context } from '../../../base/context.ts'
import { formatDuration } from '../../../base/duration.ts'
import { Failure } from '../../../base/failure.ts'
import { oneLine } from '../../../base/printable.ts'
import { randomId } from '../../../base/random-id.ts'
import { shellStatus } from '../../../child/exit-status.ts'
import { stateFolders } from '../../../host/state-folder.ts'
import { userName } from '../../../host/user-name.ts'
import type { HeldLock } from '../../../lock/acquire-options.ts'
import { type KeepEnd, type KeepSpec, keepLock, type LockUsers } from '../../../run/kept-lock.ts'
import { type LeaseStatus, serveLease } from '../../../run/lease-socket.ts'
import { KEPT_MARK } from '../../../run/release-request.ts'
import { runRules } from '../../connection/acl-rules.ts'
import { connect } from '../../connection/connect.ts'
import { EXIT } from '../../exit-codes.ts'
import { lockNamed } from '../../invocation/lock-named.ts'
import { subcommand } from '../../invocation/subcommand.ts'
import { requestedLock, waitMsOf } from '../../options/lock-options.ts'
import { print, printed } from '../../output/print.ts'
import { inputEnd } from './input-end.ts'
import { HOLD_SYNTAX, type HoldCommandOptions } from './syntax.ts'

const FORM = 'consul-locker hold [options] NAME'

/** `consul-locker hold NAME` */
export const holdCommand = subcommand(HOLD_SYNTAX, async ({ ctx, options, words, command, environment, signals }) => {
  const [word, ...rest] = words
  const { name } = lockNamed(word, options.key, FORM)
  if (rest.length > 0 || command !== undefined) throw commandGiven(name)
  const spec = requestedKeep(name, options, environment)
  const consul = await connect(options, environment, runRules(spec.lock.key, options))
  try {
    const users = usersOf(ctx, spec, options)
    const answering = (lease: () => LeaseStatus) => serveLease(ctx, stateFolders(environment), spec.runId, lease)
    const end = await keepLock(ctx, { consul, signals, users, serveLease: answering }, spec)
    return statusOf(ctx, spec, end, options['conflict-exit-code'] ?? EXIT.busy)
  } finally {
    consul.close()
  }
})

function commandGiven(name: string): Failure {
  return new Failure('usage', 'hold takes a name and no command', {
    hint: `to run a command under the lock: consul-locker ${name} <command>`,
  })
}

function requestedKeep(name: string, options: HoldCommandOptions, environment: NodeJS.ProcessEnv): KeepSpec {
  const runId = randomId()
  const holder = () => ({ host: hostname(), pid: process.pid, user: userName(), command: ['consul-locker hold'] })
  return {
    lock: requestedLock(name, options, {}, { runId, environment, holder, more: KEPT_MARK }),
    waitMs: waitMsOf(options),
    runId,
    keepMs: options.for || Number.POSITIVE_INFINITY,
  }
}

/** Throws a `usage` failure when nothing would tell that they are done. */
function usersOf(ctx: Context, spec: KeepSpec, { for: keepMs }: HoldCommandOptions): LockUsers {
  const input = inputEnd()
  if (!input && keepMs === undefined) {
    throw new Failure('usage', 'nothing would tell when the lock is to be given back: the standard input has no end', {
      hint: 'give it a pipe that your script keeps open, or --for 30m; see consul-locker hold --help',
    })
  }
  const { signal: gone, isPipe: areSeen } = input ?? { signal: new AbortController().signal, isPipe: false }
  return {
    gone,
    areSeen,
    tell: (held) => tell(ctx, spec, held),
    ask(by) {
      ctx.log.warn(`${oneLine(by, 60)} asks for the lock ${spec.lock.name}`)
      if (areSeen) print(JSON.stringify({ releaseAskedBy: by }))
    },
  }
}

/** Settles when the line is written, so that who waits for it never waits in vain. */
async function tell(ctx: Context, { lock, runId }: KeepSpec, { key, session, fence }: HeldLock): Promise<void> {
  print(JSON.stringify({ name: lock.name, key, session: session.id, fence, runId }))
  const code = await printed(ctx, EXIT.done)
  if (code !== EXIT.done)
    throw new Failure('unwritable', 'nobody reads that the lock is ours', {
      hint: 'read our standard output before you begin',
    })
}

function statusOf(ctx: Context, { lock, keepMs }: KeepSpec, end: KeepEnd, busyCode: number): number {
  switch (end.kind) {
    case 'busy':
    case 'skipped':
    case 'unready':
      return busyCode
    case 'unneeded':
      ctx.log.notice(`nobody waits for ${lock.name} any more: the standard input has ended`)
      return busyCode
    case 'interrupted':
      return shellStatus({ signal: end.signal })
    case 'given-back':
      return end.signal === 'SIGINT' ? EXIT.interrupted : EXIT.done
    case 'given-up': {
      const why = end.signal ?? `${formatDuration(keepMs)} are over`
      const closedFor = formatDuration(lock.timing.lockDelayMs)
      ctx.log.error(`${why}: giving up the lock ${lock.name}, which nobody can have for ${closedFor}`)
      return end.signal ? shellStatus({ signal: end.signal }) : EXIT.timedOut
    }
    case 'lost':
      ctx.log.error(`the lock ${lock.name} was lost: ${end.loss.sentence}; stop what works under it`)
      return EXIT.lost
  }
}
