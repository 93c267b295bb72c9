import { describe, expect, test } from 'vitest'
import type { Clock } from '../../../src/base/clock.ts'
import { SignIn } from '../../../src/dashboard/sign-in.ts'

const DAY_MS = 86_400_000

function door() {
  const now = { monotonicMs: 0, bootMs: 0, wallMs: 1_800_000_000_000 }
  const signIn = new SignIn({ now: () => ({ ...now }) } as Clock, 'open sesame')
  const pass = (peer = 'a') => signIn.enter(peer, 'open sesame')?.split(';')[0] ?? ''
  return { now, signIn, pass }
}

describe('who signs in', () => {
  test('gets a cookie for the secret alone, which no script can read and no other site can use', () => {
    const { signIn } = door()
    expect(signIn.enter('a', 'open sesame')).toMatch(/^[\w-]+=\S+; Path=\/; Max-Age=43200; HttpOnly; SameSite=Lax$/)
    expect([signIn.enter('a', ''), signIn.enter('a', 'open'), signIn.enter('a', 'open sesame ')]).toEqual(
      Array(3).fill(undefined),
    )
  })

  test('is known by it among others, and is one of his own', () => {
    const { signIn, pass } = door()
    const [one, other] = [pass(), pass()]
    expect(signIn.whoIs(`a=b; ${one}; c=d`)).toBe(signIn.whoIs(one))
    expect(signIn.whoIs(one)).not.toBe(signIn.whoIs(other))
  })

  test('is not known by a cookie that was changed, by another process’s, or after half a day', () => {
    const { now, signIn, pass } = door()
    const cookie = pass()
    const later = cookie.replace(/=(\d+)/, (_, at) => `=${Number(at) + DAY_MS}`)
    for (const wrong of [later, `${cookie}0`, cookie.replace(/.$/, ''), 'consul-locker-dashboard=', '', undefined]) {
      expect(signIn.whoIs(wrong)).toBeUndefined()
    }
    expect(door().signIn.whoIs(cookie)).toBeUndefined()
    now.wallMs += DAY_MS / 2
    expect(signIn.whoIs(cookie)).toBeUndefined()
  })

  test('can’t guess for long, and keeps nobody else out by it', () => {
    const { now, signIn } = door()
    const tries = Array.from({ length: 50 }, (_, n) => signIn.enter('a', `guess ${n}`))
    expect(tries.filter((answer) => answer === 'too often').length).toBeGreaterThan(30)
    expect(signIn.enter('a', 'open sesame')).toBe('too often')
    expect(signIn.enter('b', 'open sesame')).toContain('HttpOnly')
    now.monotonicMs += 60_000
    expect(signIn.enter('a', 'open sesame')).toContain('HttpOnly')
  })

  test('proves by a key of his own that a request comes from his page', () => {
    const { signIn } = door()
    const key = signIn.pageKey('one')
    expect(signIn.isPageKey('one', key)).toBe(true)
    expect(signIn.isPageKey('other', key)).toBe(false)
    expect(signIn.isPageKey('one', 'ü'.repeat(64))).toBe(false)
  })
})
