import { expect, test } from 'vitest'
import { PageNews } from '../../../src/dashboard/page-news.ts'
import { queryIn } from '../../../src/dashboard/page-query.ts'
import { held, lock, scene } from './scenes.ts'

const HELLO = { mayUnlock: false, pageKey: '', isSignedIn: false }
const pageNews = (text = '') => new PageNews(queryIn(new URLSearchParams(text)), HELLO)

test('a page is told all at first, then what has changed, and nothing when nothing has', () => {
  const page = pageNews()
  const before = [lock('a'), lock('b')]
  expect(page.newsOf(scene(...before), 5)).toMatchObject({ nowMs: 5, hello: HELLO, rows: before })
  expect(page.newsOf(scene(lock('a'), lock('b')), 6)).toBeUndefined()
  const after = held('b', 'web1', 7)
  const news = page.newsOf(scene(lock('a'), after), 8)
  expect(news).toEqual({
    nowMs: 8,
    summary: expect.objectContaining({ counts: expect.objectContaining({ held: 1 }) }),
    rows: [after],
  })
})

test('a page is told nothing of a lock that it does not show', () => {
  const page = pageNews('q=a')
  page.newsOf(scene(lock('a'), lock('b')), 5)
  expect(page.newsOf(scene(lock('a'), held('b', 'web1', 7)), 6)).toBeUndefined()
})

test('a lock that was gone for a while is told anew', () => {
  const page = pageNews()
  page.newsOf(scene(lock('a')), 5)
  expect(page.newsOf(scene(), 6)).toMatchObject({ listing: { keys: [] } })
  expect(page.newsOf(scene(lock('a')), 7)).toMatchObject({ rows: [lock('a')] })
})
