import { text } from 'node:stream/consumers'
import { unlessAborted } from '../../../base/abort.ts'
import type { Context } from '../../../base/context.ts'
import { Failure, reasonOf } from '../../../base/failure.ts'
import { forgetRecords } from '../../../rollout/forget-host.ts'
import { type PauseScope, pause, resume, scopePath } from '../../../rollout/pauses.ts'
import { unknownRole } from '../../../rollout/role-check.ts'
import { checkKeyWord } from '../../../rollout/rollout-keys.ts'
import { currentVersion, hostsByVersion, triggerVersion } from '../../../rollout/versions.ts'
import { EXIT, PENDING_EXIT } from '../../exit-codes.ts'
import { print, printLines } from '../../output/print.ts'
import { failures, health } from './rollout-health.ts'
import { ping, record, report } from './rollout-reports.ts'
import type { RolloutRequest } from './rollout-request.ts'
import { rolloutStatus } from './rollout-status.ts'
import type { RolloutWord } from './rollout-words.ts'

/** The answers of all words but `step`, as exit codes; what they print is on the standard output then. */
export const ROLLOUT_ANSWERS: Record<Exclude<RolloutWord, 'step'>, (request: RolloutRequest) => Promise<number>> = {
  trigger,
  forget: forgetHost,
  pause: (request) => switchPause(request, 'pause'),
  resume: (request) => switchPause(request, 'resume'),
  current,
  pending,
  local,
  record,
  report,
  ping,
  running,
  'hosts-at': hostsAt,
  verify,
  'check-single': checkSingle,
  health,
  failures,
  status: rolloutStatus,
}

async function trigger({ ctx, rollout, words, options }: RolloutRequest): Promise<number> {
  await triggerVersion(ctx, rollout.consul, rollout.keys, versionIn(words), options.force)
  return EXIT.done
}

async function forgetHost({ ctx, rollout, words: [word = ''], options }: RolloutRequest): Promise<number> {
  const host = checkKeyWord('host', word)
  const keys = await forgetRecords(ctx, rollout.consul, rollout.keys, host)
  if (options.json) print(JSON.stringify({ host, forgotten: keys }))
  else if (keys.length > 0) ctx.log.notice(`forgotten: ${keys.join(', ')}`)
  else ctx.log.error(`nothing is recorded of ${host}`)
  return keys.length > 0 ? EXIT.done : EXIT.no
}

async function switchPause({ ctx, rollout, options }: RolloutRequest, how: 'pause' | 'resume'): Promise<number> {
  const { consul, keys } = rollout
  const scope = scopeOf(options)
  const stranger = scope.kind === 'role' ? unknownRole(rollout.file, scope.name) : undefined
  if (stranger !== undefined) throw new Failure('usage', stranger)
  if (how === 'pause') {
    const dropped = await pause(ctx, consul, keys, scope)
    if (dropped.length > 0) ctx.log.notice(`paused, too, though resumed before: ${dropped.join(', ')}`)
  } else {
    const staying = await resume(ctx, consul, keys, scope)
    if (staying.length > 0) ctx.log.notice(`still paused: ${staying.join(', ')}`)
  }
  ctx.log.debug(`${how}d ${scopePath(scope)}`)
  return EXIT.done
}

function scopeOf({ host, role }: RolloutRequest['options']): PauseScope {
  if (host !== undefined && role !== undefined) {
    throw new Failure('usage', 'either --host or --role, not both')
  }
  if (host !== undefined) return { kind: 'host', name: checkKeyWord('host', host) }
  if (role !== undefined) return { kind: 'role', name: checkKeyWord('role', role) }
  return { kind: 'global' }
}

async function current({ ctx, rollout, options }: RolloutRequest): Promise<number> {
  const version = await currentVersion(ctx, rollout.consul, rollout.keys)
  if (options.json) print(JSON.stringify({ version: version ?? null }))
  else if (version !== undefined) print(version)
  if (version !== undefined) return EXIT.done
  ctx.log.notice('no version was triggered yet')
  return EXIT.no
}

async function pending({ ctx, rollout, options }: RolloutRequest): Promise<number> {
  const local = rollout.local.read()
  const answer = (kind: keyof typeof PENDING_EXIT, sentence: string, current: string | null) => {
    print(
      options.json
        ? JSON.stringify({ pending: kind === 'yes' ? true : kind === 'no' ? false : null, current, local })
        : sentence,
    )
    return PENDING_EXIT[kind]
  }
  try {
    const current = await currentVersion(ctx, rollout.consul, rollout.keys)
    if (current === undefined) return answer('nothing', 'No current_version is set', null)
    if (current === local) return answer('no', 'No updates pending', current)
    return answer('yes', 'Yes, there is an update pending', current)
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown
    ctx.log.warn(thrown.message)
    if (local !== '') return answer('silence', 'Could not get current_version', null)
    return answer('nothing', "Could not get current_version, but there's also no local version set", null)
  }
}

async function local({ rollout, words, options }: RolloutRequest): Promise<number> {
  const [version] = words
  if (version !== undefined) rollout.local.write(checkKeyWord('version', version))
  const now = rollout.local.read()
  return print(options.json ? JSON.stringify({ version: now === '' ? null : now }) : now)
}

async function running({ ctx, rollout, options }: RolloutRequest): Promise<number> {
  const running = await hostsByVersion(ctx, rollout.consul, rollout.keys)
  if (options.json) return print(JSON.stringify(Object.fromEntries(running)))
  return printLines([...running.keys()])
}

async function hostsAt({ ctx, rollout, words, options }: RolloutRequest): Promise<number> {
  const hosts = (await hostsByVersion(ctx, rollout.consul, rollout.keys)).get(versionIn(words)) ?? []
  return options.json ? print(JSON.stringify(hosts)) : printLines(hosts)
}

async function verify({ ctx, rollout, words, options }: RolloutRequest): Promise<number> {
  const version = versionIn(words)
  const asked = [...new Set((await input(ctx)).split(/\s+/).filter((host) => host !== ''))]
  if (asked.length === 0) {
    throw new Failure('usage', 'no hosts on the standard input', { hint: 'one a line, as from hosts-at' })
  }
  const there = (await hostsByVersion(ctx, rollout.consul, rollout.keys)).get(version) ?? []
  const missing = asked.filter((host) => !there.includes(host))
  if (options.json) print(JSON.stringify({ version, missing }))
  else if (missing.length > 0) ctx.log.error(`not at ${version}: ${missing.join(', ')}`)
  return missing.length === 0 ? EXIT.done : EXIT.no
}

async function checkSingle({ ctx, rollout, words, options }: RolloutRequest): Promise<number> {
  const version = versionIn(words)
  const versions = [...(await hostsByVersion(ctx, rollout.consul, rollout.keys)).keys()]
  const found = versions.includes(version)
  const others = versions.filter((other) => other !== version)
  if (options.json) print(JSON.stringify({ version, found, others }))
  else if (!found) ctx.log.error(`${version} runs nowhere`)
  else if (others.length > 0) ctx.log.error(`not only ${version} runs, but ${others.join(', ')}, too`)
  return found && others.length === 0 ? EXIT.done : EXIT.no
}

function versionIn([version = '']: readonly string[]): string {
  return checkKeyWord('version', version)
}

/** Reads asynchronously: at a terminal, Ctrl-C must end it. */
async function input({ log, signal }: Context): Promise<string> {
  log.debug('reading the standard input')
  try {
    return await unlessAborted(signal, text(process.stdin))
  } catch (thrown) {
    signal.throwIfAborted()
    throw new Failure('usage', `the standard input can't be read: ${reasonOf(thrown)}`)
  }
}
