import { describe, expect, test } from 'vitest'
import {
  checkIsLock,
  checkKey,
  checkKeyPrefix,
  keyOfName,
  LOCK_FLAGS,
  nameOfPauseKey,
  pauseKeyOf,
  SEMAPHORE_FLAGS,
  slotsKey,
} from '../../../src/lock/lock-keys.ts'

describe('a name', () => {
  test.each(['mongodb', 'a', 'a/b/c', 'a.b_c,d-e', '...', '.hidden', 'A-1', '-', 'n'.repeat(498)])(
    '%s is one',
    (name) => {
      expect(keyOfName(name)).toBe(`consul-locker-${name}`)
    },
  )

  test.each([
    ['', 'is empty'],
    ['n'.repeat(499), 'has 499 characters; 498 are the most'],
    ['a b', 'has the character " " in it'],
    ['?x', 'has the character "?" in it'],
    ['a%2Fb', 'has the character "%" in it'],
    ['a\\b', 'has the character "\\\\" in it'],
    ['a\0b', 'has the character "\\u0000" in it'],
    ['ü', 'has the character "ü" in it'],
    ['a😀', 'has the character "😀" in it'],
    ['/x', 'begins with a slash'],
    ['x/', 'has an empty part'],
    ['a//b', 'has an empty part'],
    ['.', "has an empty part, '.' or '..' in its path"],
    ['..', "has an empty part, '.' or '..' in its path"],
    ['a/../b', "has an empty part, '.' or '..' in its path"],
  ])('%j is none', (name, why) => {
    expect(() => keyOfName(name)).toThrow(why)
  })

  test('is not repeated in full when it is long', () => {
    expect(() => keyOfName('n'.repeat(5000))).toThrow(/^.{0,120}$/)
    expect(() => keyOfName(`${'n'.repeat(39)}?`)).toThrow(`the lock name "${'n'.repeat(39)}?" has`)
    expect(() => keyOfName(`${'n'.repeat(40)}?`)).toThrow(`the lock name "${'n'.repeat(40)}…" has`)
  })

  test('that is none is told with what makes one', () => {
    const hint = expect.stringMatching(/^letters, digits and /)
    expect(() => keyOfName('a b')).toThrow(expect.objectContaining({ code: 'usage', hint }))
  })

  test('is that of what pauses its lock, in which no other lock can be', () => {
    const key = pauseKeyOf(keyOfName('a/b'))
    expect(key).toBe('consul-locker-a/b=pause')
    expect(nameOfPauseKey(key)).toBe('a/b')
  })
})

describe('a key', () => {
  test('is taken as it is', () => {
    expect(checkKey('--key', 'service/web/.lock')).toBe('service/web/.lock')
    expect(checkKey('--key', 'k'.repeat(512))).toBe('k'.repeat(512))
  })

  test('is refused under the name that it was given by', () => {
    expect(() => checkKey('--key', '/web')).toThrow('the --key "/web" begins with a slash')
    expect(() => checkKey('--key', 'k'.repeat(513))).toThrow('has 513 characters; 512 are the most')
  })
})

describe('a list of slots', () => {
  test.each([
    ['consul-locker-a', false, 'consul-locker-a/.lock'],
    ['a/.lock', false, 'a/.lock/.lock'],
    ['a/.lock', true, 'a/.lock'],
  ])('of the key %s (its own: %s) stands at %s', (key, isOwnKey, list) => expect(slotsKey(key, isOwnKey)).toBe(list))

  test.each(['a', '/.lock/a'])('can’t stand at %s, which is told with where it can', (key) => {
    const hint = expect.stringContaining('--slots 3 --key foo/.lock')
    const message = `--slots can't stand at the key ${key}`
    expect(() => slotsKey(key, true)).toThrow(expect.objectContaining({ code: 'usage', message, hint }))
  })
})

test("the flags are those of Consul's Go client, digit by digit", () => {
  expect(LOCK_FLAGS.toString(16)).toBe('2ddccbc058a50c18')
  expect(SEMAPHORE_FLAGS.toString(16)).toBe('e0f69a2baa414de0')
})

describe('the beginning of keys', () => {
  test.each(['s', 'site/', 'site/a', 'lock/.x'])('%s is one', (prefix) => {
    expect(checkKeyPrefix('--prefix', prefix)).toBe(prefix)
  })

  test.each(['', '/', '//', 'a//b', 'a/../', './', 'a/..'])('%j is none', (prefix) => {
    const [sentence, hint] =
      prefix === '' ? ['the beginning of a key', 'all keys of a cluster are too many'] : ['begins no key', 'e.g. site/']
    expect(() => checkKeyPrefix('--prefix', prefix)).toThrow(
      expect.objectContaining({ message: expect.stringContaining(sentence), hint }),
    )
  })
})

describe('what stands at a key', () => {
  const entry = { key: 'k', value: 'v', createIndex: 1, modifyIndex: 2 }

  test.each([
    ['a lock of ours or of consul lock', LOCK_FLAGS, 1, 's'],
    ['what consul lock leaves', LOCK_FLAGS, 1, undefined],
    ['the same, written to by hand', LOCK_FLAGS, 0, undefined],
    ['a lock of the Bash original', 0n, 1, 's'],
    ['what the Bash original leaves', 0n, 3, undefined],
    ['a lock that was written over', 0n, 0, 's'],
  ])('is a lock: %s', (_, flags, lockIndex, session) => {
    expect(() => checkIsLock({ ...entry, flags, lockIndex, session })).not.toThrow()
  })

  test.each([
    ['data', 0n, 0, undefined, 'holds data and is no lock'],
    ['data with flags', 42n, 0, undefined, 'holds data and is no lock'],
    ['what somebody holds for a purpose of his own', 42n, 1, 's', 'holds data and is no lock'],
    ['a semaphore', SEMAPHORE_FLAGS, 0, undefined, 'belongs to a semaphore and is no lock'],
    ['a contender for a semaphore', SEMAPHORE_FLAGS, 1, 's', 'belongs to a semaphore and is no lock'],
  ])('is no lock: %s', (_, flags, lockIndex, session, why) => {
    expect(() => checkIsLock({ ...entry, flags, lockIndex, session })).toThrow(
      expect.objectContaining({
        message: `the key k ${why}`,
        hint: 'lock another key; if nobody needs this one: consul kv delete k',
      }),
    )
  })
})
