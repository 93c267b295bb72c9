import { Failure } from '../base/failure.ts'
import { checkedUser } from './crontab-line.ts'
import { unitProgram, unitText, unitWord } from './unit-word.ts'

/** A run that systemd starts. */
export interface UnitRequest {
  /** The lock's name. */
  readonly name: string
  /** Full path and arguments. */
  readonly words: readonly [string, ...string[]]
  /**
   * When a timer starts it (systemd.time(7), "Calendar events"); without, it is a service that always runs somewhere.
   */
  readonly onCalendar?: string | undefined
  readonly user?: string | undefined
  /** The exit code for a busy lock, when it has one of its own. */
  readonly busyCode?: number | undefined
  /** The exit code of a run that was skipped, if it isn't 0. */
  readonly skipCode?: number | undefined
  /** How long a runner may say nothing, in milliseconds, before it counts as hung. */
  readonly watchdogMs: number
}

export interface UnitFile {
  readonly file: string
  readonly text: string
}

/**
 * The units that have systemd run a command under a lock: a job with its timer, or a service. Throws a `usage` failure.
 */
export function unitFiles(request: UnitRequest): UnitFile[] {
  const { name, onCalendar } = request
  // As systemd-escape writes what no file or unit is called by, so that no two locks have one file. A colon would do
  // for systemd, but systemd-analyze verify takes what is behind it for another name.
  const file = `consul-locker-${name.replaceAll('/', String.raw`\x2f`).replaceAll(',', String.raw`\x2c`)}`
  if (onCalendar === undefined) return [{ file: `${file}.service`, text: serviceUnit(request) }]
  return [
    { file: `${file}.service`, text: jobUnit(request) },
    { file: `${file}.timer`, text: timerUnit(name, checkedCalendar(onCalendar)) },
  ]
}

/** One start after the other, for as long as the machine runs: on one machine it is at work, the others wait. */
function serviceUnit(request: UnitRequest): string {
  return `${unitSection(request.name)}
[Service]
# Started when the lock is ours; systemctl status says whom it waits for until then.
Type=notify
NotifyAccess=all
TimeoutStartSec=infinity
# A runner that hangs is replaced.
WatchdogSec=${Math.ceil(request.watchdogMs / 1000)}
${execution(request)}Restart=always
RestartSec=5

[Install]
WantedBy=multi-user.target
`
}

function jobUnit(request: UnitRequest): string {
  return `${unitSection(request.name)}
[Service]
Type=oneshot
# systemctl status says whom it waits for.
NotifyAccess=all
${execution(request)}`
}

function timerUnit(name: string, onCalendar: string): string {
  return `[Unit]
Description=${describe(name)}

[Timer]
OnCalendar=${onCalendar}

[Install]
WantedBy=timers.target
`
}

function unitSection(name: string): string {
  return `[Unit]
Description=${describe(name)}
Wants=network-online.target
After=network-online.target consul.service
`
}

function execution({ words: [program, ...args], user, busyCode, skipCode }: UnitRequest): string {
  const lines = [
    ...(user === undefined ? [] : [`User=${checkedUser(user)}`]),
    `ExecStart=${[unitProgram(program), ...args.map(unitWord)].join(' ')}`,
    '# TERM goes to the runner alone, which passes it on, and ends as a shell does: with 143.',
    'KillMode=mixed',
    'SuccessExitStatus=143',
    ...(busyCode === undefined ? [] : ['# Another machine has the lock.', `SuccessExitStatus=${busyCode}`]),
    ...(skipCode === undefined ? [] : ['# It was not time to run.', `SuccessExitStatus=${skipCode}`]),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

function describe(name: string): string {
  return unitText(`${name}, on one machine at a time`)
}

function checkedCalendar(text: string): string {
  if (/^[\w *:,./~+@-]+$/.test(text) && text.trim() !== '') return text.trim()
  throw new Failure('usage', `${JSON.stringify(text)} is no calendar event of systemd's`, {
    hint: "as in --on-calendar hourly or --on-calendar '*-*-* 03:30'; systemd-analyze calendar tries one",
  })
}
