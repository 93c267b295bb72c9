import { join } from 'node:path'
import { Failure, reasonOf } from '../../../../base/failure.ts'
import { writeAtomically } from '../../../../host/atomic-write.ts'
import { type UnitFile, unitFiles } from '../../../../schedule/units.ts'
import { isPeriodic } from '../../../options/period-options.ts'
import { print, printText } from '../../../output/print.ts'
import { schedulingWord } from './scheduled-run.ts'
import { UNIT_SYNTAX } from './unit-syntax.ts'

/** `consul-locker unit [--on-calendar …] [options] <name> <command> [args…]` */
export const unitCommand = schedulingWord(UNIT_SYNTAX, ({ ctx, options, run, lock, words }) => {
  const { 'on-calendar': onCalendar, user, directory } = options
  const busyCode = run['conflict-exit-code']
  const mayBeBusy = run['no-wait'] || run.wait !== undefined
  if (mayBeBusy && onCalendar === undefined) {
    ctx.log.warn('without --on-calendar it is a service that waits for its turn; one that gives up is started anew')
  } else if (mayBeBusy && busyCode === undefined) {
    ctx.log.warn('a busy lock ends a run with 1, which systemd takes for a failure; give it a code of its own: -E 75')
  }
  if (isPeriodic(run) && onCalendar === undefined) {
    ctx.log.warn('without --on-calendar it is a service that is started anew 5s after each skip; say when to start it')
  }
  const { ttlMs, renewMs } = lock.timing
  const files = unitFiles({
    name: lock.name,
    words,
    onCalendar,
    user,
    busyCode: busyCode || undefined,
    skipCode: run['skip-code'] || undefined,
    // Two renewals may fail, and the lease be over, before a runner counts as hung.
    watchdogMs: Math.max(3 * renewMs, 2 * ttlMs),
  })
  if (directory === undefined) return printText(files.map(shown).join('\n'))
  return print(files.map((file) => written(directory, file)).join(' '))
})

/** As systemctl cat shows them. */
function shown({ file, text }: UnitFile): string {
  return `# /etc/systemd/system/${file}\n${text}`
}

function written(directory: string, { file, text }: UnitFile): string {
  const path = join(directory, file)
  try {
    writeAtomically(path, text, { forAll: true })
    return path
  } catch (thrown) {
    throw new Failure('local', `${path} can't be written: ${reasonOf(thrown)}`, { cause: thrown })
  }
}
