import { Failure } from '../../../../base/failure.ts'
import { crontabLine } from '../../../../schedule/crontab-line.ts'
import { printText } from '../../../output/print.ts'
import { CRONTAB_SYNTAX } from './crontab-syntax.ts'
import { schedulingWord } from './scheduled-run.ts'

/** `consul-locker crontab --schedule '…' [options] <name> <command> [args…]` */
export const crontabCommand = schedulingWord(CRONTAB_SYNTAX, ({ options: { schedule, user }, words }) => {
  if (schedule === undefined) {
    throw new Failure('usage', 'no schedule was given', { hint: "--schedule '7 * * * *', or --schedule @hourly" })
  }
  // Not made printable: the words must stay what they are, and have no control characters.
  return printText(`${crontabLine({ schedule, user, words })}\n`)
})
