import { expect, test } from 'vitest'
import { Newscast } from '../../../src/dashboard/newscast.ts'
import { queryIn } from '../../../src/dashboard/query.ts'
import { held, lock, scene } from './scenes.ts'

const HELLO = { mayUnlock: false, pageKey: '', isSignedIn: false }
const newscast = (text = '') => new Newscast(queryIn(new URLSearchParams(text)), HELLO)

test('a page is told all at first, then what has changed, and nothing when nothing has', () => {
  const cast = newscast()
  const before = [lock('a'), lock('b')]
  expect(cast.newsOf(scene(...before), 5)).toMatchObject({ nowMs: 5, hello: HELLO, rows: before })
  expect(cast.newsOf(scene(lock('a'), lock('b')), 6)).toBeUndefined()
  const after = held('b', 'web1', 7)
  const news = cast.newsOf(scene(lock('a'), after), 8)
  expect(news).toEqual({
    nowMs: 8,
    summary: expect.objectContaining({ counts: expect.objectContaining({ held: 1 }) }),
    rows: [after],
  })
})

test('a page is told nothing of a lock that it does not show', () => {
  const cast = newscast('q=a')
  cast.newsOf(scene(lock('a'), lock('b')), 5)
  expect(cast.newsOf(scene(lock('a'), held('b', 'web1', 7)), 6)).toBeUndefined()
})

test('a lock that was gone for a while is told anew', () => {
  const cast = newscast()
  cast.newsOf(scene(lock('a')), 5)
  expect(cast.newsOf(scene(), 6)).toMatchObject({ listing: { keys: [] } })
  expect(cast.newsOf(scene(lock('a')), 7)).toMatchObject({ rows: [lock('a')] })
})
