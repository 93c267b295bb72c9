import type { Context } from '../base/context.ts'
import { ShellGuardian } from '../child/guardian.ts'
import { CALL_GRACE_MS, CommandedApplication } from '../leader/commands.ts'
import { parseDutyWord } from '../leader/guard.ts'
import type { LeaderFile } from '../leader/leader-file.ts'
import { leaderKeys } from '../leader/leader-keys.ts'
import { leaderTiming } from '../leader/leader-timing.ts'
import { serviceTerms } from '../leader/service-terms.ts'
import { standIn } from '../leader/stand-in.ts'
import { connect } from './connect.ts'
import { forErrand } from './errands.ts'
import type { Invocation } from './invocation.ts'
import { moduleRunner } from './leader-module.ts'
import { CONSUL_OPTIONS, OUTPUT_OPTIONS, variableOf } from './options.ts'
import { type Given, givenIn, parse } from './parse.ts'

const DUTY = ':leader-duty'

/** The configuration as the dead agent had it, whatever has become of the file. */
const DUTY_VARIABLE = 'CONSUL_LOCKER_DUTY'

interface Estate {
  readonly path: string
  readonly file: LeaderFile
  /** The dead agent's id. */
  readonly agent: string
  readonly moduleExports: readonly string[]
}

/** Starts a guardian that runs this very executable in place of a dead agent. */
export function startDutyGuardian(
  ctx: Context,
  estate: Estate,
  given: Given,
  environment: NodeJS.ProcessEnv,
): ShellGuardian {
  return new ShellGuardian(ctx.clock, ctx.log, {
    graceMs: CALL_GRACE_MS,
    // What the application's commands leave behind is the application.
    marker: undefined,
    release: [process.execPath, DUTY],
    environment: forErrand(DUTY, { ...environment, ...asVariables(given), [DUTY_VARIABLE]: JSON.stringify(estate) }),
  })
}

/** Options as environment variables: others may read our arguments, and a token is no business of theirs. */
function asVariables(given: Given): NodeJS.ProcessEnv {
  const values = Object.keys(CONSUL_OPTIONS).map((name) => [variableOf(name), given(name)] as const)
  return Object.fromEntries(values.filter(([, value]) => value !== undefined))
}

const SYNTAX = { usage: '', epilogue: '', options: { ...CONSUL_OPTIONS, ...OUTPUT_OPTIONS } }
const NOT_SUBDUED = 6

/** `consul-locker :leader-duty WORD`, for the guardian alone. */
export async function dutyCommand({ words, environment, context }: Invocation): Promise<number> {
  const parsed = parse(SYNTAX, [], environment)
  const { path, file, agent, moduleExports } = JSON.parse(environment[DUTY_VARIABLE] ?? '{}') as Estate
  const consul = await connect(givenIn(parsed), environment)
  const module = file.module === undefined ? undefined : moduleRunner(file.module, moduleExports)
  const isSubdued = await standIn(
    context(parsed.options),
    {
      consul,
      keys: leaderKeys(file.name, file.lock_key),
      service: serviceTerms(file, leaderTiming(path, file), agent),
      application: new CommandedApplication(file, module, withoutDuty(environment)),
    },
    parseDutyWord(words[0] ?? ''),
  )
  return isSubdued ? 0 : NOT_SUBDUED
}

function withoutDuty({ [DUTY_VARIABLE]: _, ...environment }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return environment
}
