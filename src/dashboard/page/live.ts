import { useEffect, useState } from 'preact/hooks'
import type { News } from '../page-messages.ts'
import type { LockRow } from '../scene.ts'
import { setServerTime } from './ticking.ts'

/** All that the page was told, as it is now. */
export type Known = Omit<News, 'nowMs' | 'rows'> & { readonly rows: ReadonlyMap<string, LockRow> }

/** Whether news come. */
export type Feed = { readonly state: 'opening' | 'live' } | { readonly state: 'broken'; readonly sinceMs: number }

const AGAIN_MS = 2000

/** What the server tells of this query, as it comes. */
export function useLive(params: string): { readonly known: Known; readonly feed: Feed } {
  const [known, setKnown] = useState<Known>({ rows: new Map() })
  const [feed, setFeed] = useState<Feed>({ state: 'opening' })
  useEffect(() => {
    let source: EventSource
    let again: ReturnType<typeof setTimeout> | undefined
    const breaks = () => setFeed((feed) => (feed.state === 'broken' ? feed : { state: 'broken', sinceMs: Date.now() }))
    const open = () => {
      source = new EventSource(`/events?${params}`)
      source.onmessage = ({ data }) => {
        const news = JSON.parse(data) as News
        setServerTime(news.nowMs)
        setKnown((known) => merged(known, news))
        setFeed({ state: 'live' })
      }
      source.onerror = () => {
        breaks()
        // A browser tries again by itself, unless it was refused.
        if (source.readyState === EventSource.CLOSED) again = setTimeout(reopen, AGAIN_MS)
      }
    }
    const reopen = async () => {
      if (await mustSignIn()) location.assign('/sign-in')
      else open()
    }
    open()
    return () => {
      source.close()
      clearTimeout(again)
    }
  }, [params])
  return { known, feed }
}

function merged(known: Known, { nowMs: _, rows = [], ...parts }: News): Known {
  const next = { ...known, ...parts }
  if (rows.length === 0 && !parts.listing) return next
  const news = new Map(rows.map((row) => [row.key, row]))
  const kept = (next.listing?.keys ?? []).flatMap((key) => news.get(key) ?? known.rows.get(key) ?? [])
  return { ...next, rows: new Map(kept.map((row) => [row.key, row])) }
}

async function mustSignIn(): Promise<boolean> {
  try {
    return (await fetch('/', { method: 'HEAD' })).redirected
  } catch {
    return false
  }
}
