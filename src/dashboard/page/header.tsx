import type { Summary } from '../page-messages.ts'
import type { Feed } from './live.ts'
import { addressOf, VIEWS, type View, type Whereabouts } from './whereabouts.ts'

interface HeaderProps {
  readonly place: Whereabouts
  readonly summary: Summary | undefined
  readonly feed: Feed
  readonly isSignedIn: boolean
}

const NAMES: Record<View, string> = { locks: 'Locks', leaders: 'Leaders', rollouts: 'Rollouts', switches: 'Switches' }

/** Whose page this is, where one can go, and whether it is current. */
export function Header({ place, summary, feed, isSignedIn }: HeaderProps) {
  const counts: Record<View, number | undefined> = {
    locks: summary?.counts.all,
    leaders: summary?.leaders,
    rollouts: summary?.rollouts,
    switches: summary?.switches,
  }
  return (
    <header>
      <p class="brand">consul-locker</p>
      <nav aria-label="Views">
        <ul>
          {VIEWS.map((view) => (
            <li key={view}>
              <a href={addressOf({ ...place, view, page: 0 })} aria-current={place.view === view ? 'page' : undefined}>
                {NAMES[view]}
                {counts[view] ? <span class="count"> {counts[view]?.toLocaleString('en')}</span> : null}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <p class="line">
        <Liveness feed={feed} isAway={summary?.trouble !== undefined} />
        {isSignedIn && (
          <form method="post" action="/sign-out">
            <button type="submit" class="quiet">
              Sign out
            </button>
          </form>
        )}
      </p>
    </header>
  )
}

function Liveness({ feed, isAway }: { feed: Feed; isAway: boolean }) {
  if (feed.state === 'opening') return <span class="liveness">connecting…</span>
  if (feed.state === 'broken') return <span class="liveness broken">no connection</span>
  return isAway ? <span class="liveness broken">not current</span> : <span class="liveness live">live</span>
}
