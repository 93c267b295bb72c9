import { formatDuration } from '../../base/duration.ts'
import type { Person } from '../scene.ts'
import { useNow } from './ticking.ts'

/** How long ago, or how long still, whichever it is; it stays current. */
export function Age({ atMs, words }: { atMs: number; words: (duration: string) => string }) {
  const nowMs = useNow()
  const ms = Math.abs(nowMs - atMs)
  return (
    <time dateTime={new Date(atMs).toISOString()} title={moment(atMs)}>
      {words(formatDuration(Math.max(1000, ms - (ms % 1000))))}
    </time>
  )
}

/** An instant, by this machine's clock and time zone. */
export function moment(ms: number): string {
  const at = new Date(ms)
  const isToday = at.toDateString() === new Date().toDateString()
  const time = at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false })
  return isToday ? time : `${at.toLocaleDateString([], { day: 'numeric', month: 'short' })}, ${time}`
}

/** `web3`, as far as somebody is known. */
export function hostOf({ host, session }: Person): string {
  return host ?? `session ${session.slice(0, 8)}`
}

/** `root, pid 812, ./bootstrap.sh` */
export function aboutPerson({ user, pid, command }: Person): string {
  return [user, pid === undefined ? undefined : `pid ${pid}`, command].filter((word) => word).join(', ')
}

/** `1 waits`, `3 wait` */
export function counted(count: number, one: string, many: string): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`
}
