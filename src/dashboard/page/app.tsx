import { useEffect, useState } from 'preact/hooks'
import { Header } from './header.tsx'
import { LeadersTab } from './leaders-tab.tsx'
import { useLive } from './live.ts'
import { LocksTab } from './locks/locks-tab.tsx'
import { Notices } from './notices.tsx'
import { RolloutsTab } from './rollouts-tab.tsx'
import { SwitchesTab } from './switches-tab.tsx'
import { paramsOf, usePlace } from './whereabouts.ts'

const TITLES = { locks: 'Locks', leaders: 'Leaders', rollouts: 'Rollouts', switches: 'Switches' } as const

/** The whole page. */
export function App() {
  const [place, go] = usePlace()
  const { known, feed } = useLive(paramsOf(place).toString())
  /** What came of what the reader did, for his ears, too. */
  const [said, setSaid] = useState('')
  const { summary, hello } = known
  useEffect(() => {
    document.title = titleOf(TITLES[place.view], summary?.counts.held)
  }, [place.view, summary?.counts.held])
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to the {TITLES[place.view].toLowerCase()}
      </button>
      <Header place={place} summary={summary} feed={feed} isSignedIn={hello?.isSignedIn === true} />
      <Notices summary={summary} feed={feed} />
      <main id="main" tabIndex={-1}>
        <h1 class="unseen">{TITLES[place.view]}</h1>
        {place.view === 'locks' && <LocksTab known={known} place={place} go={go} say={setSaid} />}
        {place.view === 'leaders' && <LeadersTab leaders={known.leaders} span={place.span} go={go} />}
        {place.view === 'rollouts' && <RolloutsTab rollouts={known.rollouts} />}
        {place.view === 'switches' && <SwitchesTab switches={known.switches} />}
      </main>
      <p class={said === '' ? 'unseen' : 'said'} role="status">
        {said}
      </p>
    </>
  )
}

function titleOf(view: string, held = 0): string {
  return `${held > 0 ? `(${held}) ` : ''}${view} · consul-locker`
}
