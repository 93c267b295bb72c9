import { createHash } from 'node:crypto'
import { find } from './listing.ts'
import type { Hello, News, PageQuery, Summary } from './page-messages.ts'
import type { LockRow, Scene } from './scene.ts'

/** What one page has been told, and so what is news to it. It keeps no texts, however much a page was told. */
export class PageNews {
  readonly #query: PageQuery
  readonly #hello: Hello
  /** Digests: of parts by their names, of rows by their keys. */
  readonly #parts = new Map<string, string>()
  #rows = new Map<string, string>()

  constructor(query: PageQuery, hello: Hello) {
    this.#query = query
    this.#hello = hello
  }

  /** What is new in this scene; `undefined` when nothing is. */
  newsOf(scene: Scene, nowMs: number): News | undefined {
    const { listing, rows, counts } = find(scene.locks, scene.pause !== undefined, this.#query)
    const news = {
      ...this.#part('hello', this.#hello),
      ...this.#part('summary', summaryOf(scene, counts)),
      ...this.#part('listing', listing),
      ...this.#part('leaders', scene.leaders),
      ...this.#part('switches', scene.switches),
      ...this.#part('rollouts', scene.rollouts),
      ...this.#newRows(rows),
    }
    return Object.keys(news).length === 0 ? undefined : { nowMs, ...news }
  }

  #part<Name extends keyof News>(name: Name, value: News[Name] | undefined): Pick<News, Name> | undefined {
    if (value === undefined) return undefined
    const digest = digestOf(value)
    if (this.#parts.get(name) === digest) return undefined
    this.#parts.set(name, digest)
    return { [name]: value } as Pick<News, Name>
  }

  #newRows(rows: readonly LockRow[]): Pick<News, 'rows'> | undefined {
    const before = this.#rows
    this.#rows = new Map(rows.map((row) => [row.key, digestOf(row)]))
    const changed = rows.filter(({ key }) => before.get(key) !== this.#rows.get(key))
    return changed.length === 0 ? undefined : { rows: changed }
  }
}

function summaryOf(scene: Scene, counts: Summary['counts']): Summary {
  const { leaders = [], switches = [], rollouts = [], pause, unseen, trouble, isKnown } = scene
  return {
    counts,
    leaders: leaders.length,
    switches: switches.length,
    rollouts: rollouts.length,
    ...(pause && { pause }),
    unseen,
    ...(trouble && { trouble }),
    isKnown,
  }
}

function digestOf(value: unknown): string {
  return createHash('sha1').update(JSON.stringify(value)).digest('base64')
}
