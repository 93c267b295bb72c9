import { describe, expect, test } from 'vitest'
import { find, ROWS } from '../../../src/dashboard/listing.ts'
import { queryIn } from '../../../src/dashboard/page-query.ts'
import { bar, held, lock } from './scenes.ts'

const ask = (text: string) => queryIn(new URLSearchParams(text))
const LOCKS = [
  held('backup', 'db1', 2000),
  lock('deploy', { pause: {}, state: 'paused', bars: [bar('failed', 10, 20), bar('ok', 30, 40)] }),
  held('report', 'web2', 1000),
  lock('sync', { waiting: 3, bars: [bar('ok', 50, 60), bar('lost', 70)] }),
]
const namesOf = (text: string) => find(LOCKS, false, ask(text)).rows.map(({ name }) => name)

describe('the locks that a page shows', () => {
  test.each([
    ['', ['backup', 'deploy', 'report', 'sync']],
    ['show=held', ['backup', 'report']],
    ['show=waiting', ['sync']],
    ['show=failed', ['sync']],
    ['show=paused', ['deploy']],
    ['by=longest', ['report', 'backup', 'deploy', 'sync']],
    ['by=waiting', ['sync', 'backup', 'deploy', 'report']],
    ['by=latest', ['sync', 'deploy', 'backup', 'report']],
    ['q=REP', ['report']],
    ['q=web2', ['report']],
    ['q=run&show=held', ['backup', 'report']],
    ['q=nothing', []],
    ['show=nonsense&by=nonsense&page=-1', ['backup', 'deploy', 'report', 'sync']],
  ])('are, for "%s", %j', (text, names) => expect(namesOf(text)).toEqual(names))

  test('are counted for each filter, among those that are searched for', () => {
    expect(find(LOCKS, false, ask('show=held')).counts).toEqual({ all: 4, held: 2, waiting: 1, failed: 1, paused: 1 })
    expect(find(LOCKS, true, ask('q=rep')).counts).toEqual({ all: 1, held: 1, waiting: 0, failed: 0, paused: 1 })
  })

  test('are a page of many, and the last one when there are fewer by now', () => {
    const many = Array.from({ length: 10_000 }, (_, n) => lock(String(n)))
    const { listing, rows } = find(many, false, ask('page=3'))
    expect(rows).toHaveLength(ROWS)
    expect(listing).toMatchObject({ from: 3 * ROWS, matching: 10_000, page: 3, pages: 200 })
    expect(find(LOCKS, false, ask('page=3')).listing).toMatchObject({ from: 0, page: 0, pages: 1 })
  })
})
