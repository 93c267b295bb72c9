import { useEffect, useState } from 'preact/hooks'
import { FILTERS, type Filter, type PageQuery, SORTINGS, type Sorting } from '../page-messages.ts'

/** The page's tabs. */
export const VIEWS = ['locks', 'leaders', 'rollouts', 'switches'] as const
export type View = (typeof VIEWS)[number]

/** How much time a timeline shows. */
export const SPANS = { '1h': 3_600_000, '6h': 21_600_000, '1d': 86_400_000, '7d': 604_800_000 } as const
export type Span = keyof typeof SPANS

/** What somebody looks at: it stands in the address behind the `#`, so it can be kept, sent, and gone back to. */
export interface Whereabouts extends PageQuery {
  readonly view: View
  readonly span: Span
}

function placeIn(hash: string): Whereabouts {
  const [view = '', params = ''] = hash.replace(/^#/, '').split('?')
  const given = new URLSearchParams(params)
  const one = <T extends string>(all: readonly [T, ...T[]], word: string | null) =>
    all.find((x) => x === word) ?? all[0]
  return {
    view: one(VIEWS, view),
    filter: one<Filter>(FILTERS, given.get('show')),
    order: one<Sorting>(SORTINGS, given.get('by')),
    search: given.get('q') ?? '',
    page: Math.max(0, Number.parseInt(given.get('page') ?? '0', 10) || 0),
    span: one<Span>(['1d', '1h', '6h', '7d'], given.get('span')),
  }
}

/** The address of a place. */
export function addressOf({ view, span, ...query }: Whereabouts): string {
  const params = paramsOf(query)
  if (span !== '1d') params.set('span', span)
  return `#${view}${params.size > 0 ? `?${params}` : ''}`
}

/** What the server is asked for. */
export function paramsOf({ filter, order, search, page }: PageQuery): URLSearchParams {
  const params = new URLSearchParams()
  if (filter !== 'all') params.set('show', filter)
  if (order !== 'name') params.set('by', order)
  if (search !== '') params.set('q', search)
  if (page > 0) params.set('page', String(page))
  return params
}

/** Where somebody is, and how he gets elsewhere. A step that `replaces` can't be gone back on. */
export function usePlace(): [Whereabouts, (change: Partial<Whereabouts>, replaces?: boolean) => void] {
  const [place, setPlace] = useState(() => placeIn(location.hash))
  useEffect(() => {
    const follow = () => setPlace(placeIn(location.hash))
    addEventListener('popstate', follow)
    return () => removeEventListener('popstate', follow)
  }, [])
  const go = (change: Partial<Whereabouts>, replaces = false) => {
    const next = { ...placeIn(location.hash), ...('page' in change ? {} : { page: 0 }), ...change }
    history[replaces ? 'replaceState' : 'pushState'](null, '', addressOf(next))
    setPlace(next)
  }
  return [place, go]
}
