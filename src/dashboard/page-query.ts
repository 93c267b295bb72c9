import { FILTERS, type Filter, type PageQuery, SORTINGS, type Sorting } from './page-messages.ts'

const LONGEST_SEARCH = 200
const LAST_PAGE = 100_000

/** What a page asks for in its address; what makes no sense there is as if it weren't. */
export function queryIn(params: URLSearchParams): PageQuery {
  const page = Number(params.get('page') ?? 0)
  return {
    filter: oneOf<Filter>(FILTERS, params.get('show')),
    search: (params.get('q') ?? '').slice(0, LONGEST_SEARCH).trim().toLowerCase(),
    order: oneOf<Sorting>(SORTINGS, params.get('by')),
    page: Number.isInteger(page) && page > 0 && page < LAST_PAGE ? page : 0,
  }
}

function oneOf<T extends string>(all: readonly [T, ...T[]], word: string | null): T {
  return all.find((one) => one === word) ?? all[0]
}
