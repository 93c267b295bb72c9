import type { Summary } from '../page-messages.ts'
import type { PauseOn } from '../scene.ts'
import { Icon } from './icons.tsx'
import type { Feed } from './live.ts'
import { Age, moment } from './words.tsx'

/** What everybody must know before he reads on. */
export function Notices({ summary, feed }: { summary: Summary | undefined; feed: Feed }) {
  const { trouble, pause, unseen = [] } = summary ?? {}
  return (
    <div class="notices" role="status">
      {feed.state === 'broken' && (
        <p class="notice bad">
          <Icon name="left" />
          <span>
            The dashboard does not answer since {moment(feed.sinceMs)}. What you see is as it was then; trying again.
          </span>
        </p>
      )}
      {trouble && (
        <p class="notice bad">
          <Icon name="left" />
          <span>
            Nothing new from Consul since {moment(trouble.sinceMs)}: {trouble.text}. What you see is as it was then.
          </span>
        </p>
      )}
      {pause && (
        <p class="notice warn">
          <Icon name="paused" />
          <span>
            <strong>All locks are paused</strong> <PauseWords pause={pause} />
          </span>
        </p>
      )}
      {unseen.map((sentence) => (
        <p key={sentence} class="notice">
          <Icon name="left" />
          <span>{sentence}.</span>
        </p>
      ))}
    </div>
  )
}

/** `until 23:00 (1h59m more) by root@web1: database upgrade` */
export function PauseWords({ pause: { untilMs, by, reason } }: { pause: PauseOn }) {
  if (untilMs === undefined) return <>until somebody ends that: its record can’t be read</>
  return (
    <>
      until {moment(untilMs)} (<Age atMs={untilMs} words={(left) => `${left} more`} />){by && ` by ${by}`}
      {reason && `: ${reason}`}
    </>
  )
}
