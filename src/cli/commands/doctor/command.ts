import { Failure } from '../../../base/failure.ts'
import { examine } from '../../../doctor/examination.ts'
import { ExaminedSystem } from '../../../doctor/examined-system.ts'
import { inspectionsFor } from '../../../doctor/inspection-list.ts'
import { EXIT } from '../../exit-codes.ts'
import { interruptible } from '../../invocation/interruptible.ts'
import { subcommand } from '../../invocation/subcommand.ts'
import { isPeriodic } from '../../options/period-options.ts'
import { print, printLines } from '../../output/print.ts'
import { checkNoWords } from '../../syntax/stray-words.ts'
import { optionVariables } from '../../unknown-variables.ts'
import { examinedFile } from './file-in-question.ts'
import { examinedLock, timingOf } from './lock-in-question.ts'
import { reachFor } from './reach.ts'
import { reportJson, reportLines } from './report.ts'
import { DOCTOR_SYNTAX } from './syntax.ts'

/** `consul-locker doctor [NAME]`. Settles with 1 when something would break a run. */
export const doctorCommand = subcommand(DOCTOR_SYNTAX, async ({ ctx, options, words, environment, signals }) => {
  const [name, ...rest] = words
  checkNoWords(rest, 'consul-locker doctor [NAME]')
  if (name === undefined) checkNoLockOptions(options)
  const lock = name === undefined ? undefined : await examinedLock(ctx, name, options)
  const file = options.file === undefined ? undefined : await examinedFile(options.file, environment)
  const reach = await reachFor(options, file, environment)
  const timing = file === undefined || file.outcome instanceof Failure ? timingOf(options) : file.outcome.timing
  const system = new ExaminedSystem({
    reach,
    environment,
    optionVariables: optionVariables(),
    startedAs: process.argv0,
    timing,
    lock,
    file,
  })
  const inspections = inspectionsFor({
    isSecure: 'settings' in reach && reach.settings.address.secure,
    hasLock: lock !== undefined,
    hasSlots: lock?.slots !== undefined,
    hasFile: file !== undefined,
  })
  try {
    return await interruptible(ctx, signals, async (ctx) => {
      const results = await examine(ctx, inspections, system)
      if (options.json) print(reportJson(results))
      else printLines(reportLines(results, environment))
      return results.some(({ mark }) => mark === 'failure') ? EXIT.no : EXIT.done
    })
  } finally {
    if ('consul' in reach) reach.consul.close()
  }
})

/** Which option says something of a lock, where none is named. */
function checkNoLockOptions(options: Parameters<typeof examinedLock>[2]): void {
  const given = (['key', 'slots', 'shared'] as const).find((option) => options[option])
  if (given === undefined && !isPeriodic({ ...options, 'skip-code': undefined, 'hold-at-least': undefined })) return
  const what = given === undefined ? 'a period is' : `--${given} is`
  throw new Failure('usage', `${what} that of a lock's runs, and no lock is named`, {
    hint: 'consul-locker doctor NAME',
  })
}
