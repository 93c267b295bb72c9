import { text } from 'node:stream/consumers'
import { unlessAborted } from '../base/abort.ts'
import type { Context } from '../base/context.ts'
import { Failure, messageOf } from '../base/failure.ts'
import { forget } from '../rollout/forget.ts'
import { pathOf, pause, resume, type Scope } from '../rollout/pauses.ts'
import { unknownRole } from '../rollout/role-check.ts'
import { checkWord } from '../rollout/rollout-keys.ts'
import { currentVersion, runningVersions, triggerVersion } from '../rollout/versions.ts'
import { print, printLines } from './print.ts'
import { failures, health } from './rollout-health.ts'
import type { Question } from './rollout-question.ts'
import { rolloutStatus } from './rollout-status.ts'
import type { RolloutWord } from './rollout-words.ts'

const NO = 1

/** The answers of all words but `step`, as exit codes; what they print is on the standard output then. */
export const ANSWERS: Record<Exclude<RolloutWord, 'step'>, (question: Question) => Promise<number>> = {
  trigger,
  forget: forgetHost,
  pause: (question) => turn(question, 'pause'),
  resume: (question) => turn(question, 'resume'),
  current,
  pending,
  local,
  running,
  'hosts-at': hostsAt,
  verify,
  'check-single': checkSingle,
  health,
  failures,
  status: rolloutStatus,
}

async function trigger({ ctx, site, words, options }: Question): Promise<number> {
  await triggerVersion(ctx, site.consul, site.keys, versionIn(words), options.force === true)
  return 0
}

async function forgetHost({ ctx, site, words: [word = ''], options }: Question): Promise<number> {
  const host = checkWord('host', word)
  const keys = await forget(ctx, site.consul, site.keys, host)
  if (options.json) print(JSON.stringify({ host, forgotten: keys }))
  else if (keys.length > 0) ctx.log.notice(`forgotten: ${keys.join(', ')}`)
  else ctx.log.error(`nothing is recorded of ${host}`)
  return keys.length > 0 ? 0 : NO
}

async function turn({ ctx, site, options }: Question, how: 'pause' | 'resume'): Promise<number> {
  const { consul, keys } = site
  const scope = scopeOf(options)
  const stranger = scope.kind === 'role' ? unknownRole(site.file, scope.name) : undefined
  if (stranger !== undefined) throw new Failure('usage', stranger)
  if (how === 'pause') {
    const dropped = await pause(ctx, consul, keys, scope)
    if (dropped.length > 0) ctx.log.notice(`paused, too, though resumed before: ${dropped.join(', ')}`)
  } else {
    const staying = await resume(ctx, consul, keys, scope)
    if (staying.length > 0) ctx.log.notice(`still paused: ${staying.join(', ')}`)
  }
  ctx.log.debug(`${how}d ${pathOf(scope)}`)
  return 0
}

function scopeOf({ host, role }: Question['options']): Scope {
  if (typeof host === 'string' && typeof role === 'string') {
    throw new Failure('usage', 'either --host or --role, not both')
  }
  if (typeof host === 'string') return { kind: 'host', name: checkWord('host', host) }
  if (typeof role === 'string') return { kind: 'role', name: checkWord('role', role) }
  return { kind: 'global' }
}

async function current({ ctx, site, options }: Question): Promise<number> {
  const version = await currentVersion(ctx, site.consul, site.keys)
  if (options.json) print(JSON.stringify({ version: version ?? null }))
  else if (version !== undefined) print(version)
  if (version !== undefined) return 0
  ctx.log.notice('no version was triggered yet')
  return NO
}

/** What is pending, with the original's codes. */
const PENDING = { yes: 0, no: 1, silence: 2, nothing: 3 } as const

async function pending({ ctx, site, options }: Question): Promise<number> {
  const local = site.local.read()
  const answer = (kind: keyof typeof PENDING, sentence: string, current: string | null) => {
    print(
      options.json
        ? JSON.stringify({ pending: kind === 'yes' ? true : kind === 'no' ? false : null, current, local })
        : sentence,
    )
    return PENDING[kind]
  }
  try {
    const current = await currentVersion(ctx, site.consul, site.keys)
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

async function local({ site, words, options }: Question): Promise<number> {
  const [version] = words
  if (version !== undefined) site.local.write(checkWord('version', version))
  const now = site.local.read()
  return print(options.json ? JSON.stringify({ version: now === '' ? null : now }) : now)
}

async function running({ ctx, site, options }: Question): Promise<number> {
  const running = await runningVersions(ctx, site.consul, site.keys)
  if (options.json) return print(JSON.stringify(Object.fromEntries(running)))
  return printLines([...running.keys()])
}

async function hostsAt({ ctx, site, words, options }: Question): Promise<number> {
  const hosts = (await runningVersions(ctx, site.consul, site.keys)).get(versionIn(words)) ?? []
  return options.json ? print(JSON.stringify(hosts)) : printLines(hosts)
}

async function verify({ ctx, site, words, options }: Question): Promise<number> {
  const version = versionIn(words)
  const asked = [...new Set((await input(ctx)).split(/\s+/).filter((host) => host !== ''))]
  if (asked.length === 0) {
    throw new Failure('usage', 'no hosts on the standard input', { hint: 'one a line, as from hosts-at' })
  }
  const there = (await runningVersions(ctx, site.consul, site.keys)).get(version) ?? []
  const missing = asked.filter((host) => !there.includes(host))
  if (options.json) print(JSON.stringify({ version, missing }))
  else if (missing.length > 0) ctx.log.error(`not at ${version}: ${missing.join(', ')}`)
  return missing.length === 0 ? 0 : NO
}

async function checkSingle({ ctx, site, words, options }: Question): Promise<number> {
  const version = versionIn(words)
  const versions = [...(await runningVersions(ctx, site.consul, site.keys)).keys()]
  const found = versions.includes(version)
  const others = versions.filter((other) => other !== version)
  if (options.json) print(JSON.stringify({ version, found, others }))
  else if (!found) ctx.log.error(`${version} runs nowhere`)
  else if (others.length > 0) ctx.log.error(`not only ${version} runs, but ${others.join(', ')}, too`)
  return found && others.length === 0 ? 0 : NO
}

function versionIn([version = '']: readonly string[]): string {
  return checkWord('version', version)
}

/** Reads asynchronously: at a terminal, Ctrl-C must end it. */
async function input({ log, signal }: Context): Promise<string> {
  log.debug('reading the standard input')
  try {
    return await unlessAborted(signal, text(process.stdin))
  } catch (thrown) {
    signal.throwIfAborted()
    throw new Failure('usage', `the standard input can't be read: ${messageOf(thrown)}`)
  }
}
