import type { Context } from '../../../base/context.ts'
import { Failure } from '../../../base/failure.ts'
import type { CheckRequest } from '../../../init/check.ts'
import { combined, type Observation } from '../../../init/check-result.ts'
import { observeCrontab } from '../../../init/crontab.ts'
import type { InitFile } from '../../../init/init-file.ts'
import { NO_OUTPUT } from '../../../init/init-script.ts'
import { LocalServices } from '../../../init/local-services.ts'
import { parseNagiosArgs } from '../../../init/nagios-args.ts'
import { expression, observeProcesses, type ProcessQuery, uidOf } from '../../../init/process-count.ts'
import { AT_LEAST_ONE } from '../../../init/thresholds.ts'
import { CHECK_KINDS, type CheckCommandOptions } from './syntax.ts'

export type CheckKind = keyof typeof CHECK_KINDS

export function isCheckKind(word: string | undefined): word is CheckKind {
  return word !== undefined && Object.hasOwn(CHECK_KINDS, word)
}

/** How to look at what is checked. Throws a `usage` failure. */
export function observerOf(
  kind: CheckKind,
  file: InitFile,
  options: CheckCommandOptions,
  environment: NodeJS.ProcessEnv,
): (ctx: Context) => Promise<Observation> {
  const user = options.user
  switch (kind) {
    case 'service':
    case 'servicegroup': {
      const services = new LocalServices(file, environment, NO_OUTPUT)
      return async (ctx) => {
        return { type: kind, name: file.local_services.join(','), ...combined(await services.status(ctx)) }
      }
    }
    case 'process': {
      const query = queryFrom(options)
      return async () => observeProcesses(query)
    }
    case 'crontab':
      if (user === undefined) throw new Failure('usage', 'whose crontab?', { hint: 'give --user' })
      return async () => observeCrontab(user, options.pattern)
  }
}

/** As python-powerconsul has it: other things than a process pass while such a process runs. */
export function excuseOf(kind: CheckKind, options: CheckCommandOptions): Pick<CheckRequest, 'excuse'> {
  if (kind === 'process' || (options.process ?? options['process-re']) === undefined) return {}
  const { text, tests } = queryFrom(options)
  const query = { text, tests, thresholds: AT_LEAST_ONE }
  return { excuse: () => (observeProcesses(query).state === 'running' ? `the process ${text}` : undefined) }
}

function queryFrom(options: CheckCommandOptions): ProcessQuery {
  const [part, source, args, user] = [options.process, options['process-re'], options['nagios-args'], options.user]
  if (part === undefined && source === undefined && args === undefined) {
    throw new Failure('usage', 'which process?', { hint: 'give --process, --process-re or --nagios-args' })
  }
  const { tests, thresholds } = args === undefined ? { tests: [], thresholds: AT_LEAST_ONE } : parseNagiosArgs(args)
  const all = [...tests]
  if (part !== undefined) all.push(({ line }) => line.includes(part))
  if (source !== undefined) {
    const pattern = expression(source)
    all.push(({ line }) => pattern.test(line))
  }
  if (user !== undefined) {
    const wanted = uidOf(user)
    all.push(({ uid }) => uid === wanted)
  }
  const text = [part, source, args].filter((words) => words !== undefined).join(' ')
  return { text, tests: all, thresholds }
}
