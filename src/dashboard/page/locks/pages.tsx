import type { Listing } from '../../page-messages.ts'
import type { Whereabouts } from '../whereabouts.ts'
import { counted } from '../words.tsx'

/** From page to page, where there is more than one. */
export function Pages({ listing, go }: { listing: Listing; go: (change: Partial<Whereabouts>) => void }) {
  const { page, pages, matching, keys } = listing
  if (pages === 1) return <p class="pages">{counted(matching, 'lock', 'locks')}</p>
  const first = listing.from + 1
  return (
    <nav class="pages" aria-label="Pages of locks">
      <button type="button" disabled={page === 0} onClick={() => go({ page: page - 1 })}>
        Previous
      </button>
      <span>
        {first.toLocaleString('en')} to {(listing.from + keys.length).toLocaleString('en')} of{' '}
        {matching.toLocaleString('en')}
      </span>
      <button type="button" disabled={page === pages - 1} onClick={() => go({ page: page + 1 })}>
        Next
      </button>
    </nav>
  )
}
