import { Failure } from '../base/failure.ts'
import { checkedSchedule } from './crontab-schedule.ts'

/** What cron is to run, and when. */
export interface CrontabJob {
  readonly schedule: string
  /** Stands in /etc/crontab and in the files of /etc/cron.d, and in no user's own crontab. */
  readonly user?: string | undefined
  readonly words: readonly string[]
}

/** So much of a command Debian's cron takes; cronie takes more. */
const LONGEST = 999

/**
 * The line of a crontab that has cron run exactly these words. Throws a `usage` failure for what no crontab can say.
 */
export function crontabLine({ schedule, user, words }: CrontabJob): string {
  const when = checkedSchedule(schedule)
  const odd = words.find((word) => /[^\P{Cc}\t]/u.test(word))
  if (odd !== undefined) {
    throw new Failure('usage', `a line of a crontab can't hold the word ${JSON.stringify(odd)}`, {
      hint: 'put the command into a script: a line break ends the line, and control characters are none of cron’s',
    })
  }
  const command = words.map(cronWord).join(' ')
  if (Buffer.byteLength(command) > LONGEST) {
    throw new Failure('usage', `the command has ${Buffer.byteLength(command)} bytes; cron takes ${LONGEST} at most`, {
      hint: 'put it into a script',
    })
  }
  return [when, ...(user === undefined ? [] : [checkedUser(user)]), command].join(' ')
}

/** The name of a user, as a crontab and a unit may have it. Throws a `usage` failure. */
export function checkedUser(user: string): string {
  if (/^[A-Za-z_][\w.-]{0,30}\$?$|^\d+$/.test(user)) return user
  throw new Failure('usage', `${JSON.stringify(user)} is no name of a user`)
}

const PLAIN = /^[\w/.,:=@+-]+$/
/** What stands for itself between single quotes, up to the next character that doesn't. */
const QUOTED_RUN = /[^'%\\]*\\?/y

/**
 * A word for the shell behind cron. cron itself takes a percent sign for the end of the command, unless a backslash is
 * before it. Some crons make one backslash of two, some of `\%` alone, and busybox's leaves both as they are: so a
 * percent sign is quoted for the shell as well, and no two backslashes are neighbours.
 */
function cronWord(word: string): string {
  if (PLAIN.test(word)) return word
  let quoted = ''
  for (let at = 0; at < word.length; ) {
    const character = word[at] ?? ''
    if (character === "'" || character === '%') {
      quoted += `\\${character}`
      at += 1
      continue
    }
    QUOTED_RUN.lastIndex = at
    const [run = ''] = QUOTED_RUN.exec(word) ?? []
    quoted += PLAIN.test(run) ? run : `'${run}'`
    at += run.length
  }
  return quoted || "''"
}
