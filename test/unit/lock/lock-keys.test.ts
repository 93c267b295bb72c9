import { describe, expect, test } from 'vitest'
import {
  checkIsLock,
  checkKey,
  checkKeyPrefix,
  keyOfName,
  LOCK_FLAGS,
  SEMAPHORE_FLAGS,
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

test("the flags are those of Consul's Go client, digit by digit", () => {
  expect(LOCK_FLAGS.toString(16)).toBe('2ddccbc058a50c18')
  expect(SEMAPHORE_FLAGS.toString(16)).toBe('e0f69a2baa414de0')
})

describe('the beginning of keys', () => {
  test.each(['s', 'site/', 'site/a', 'lock/.x'])('%s is one', (prefix) => {
    expect(checkKeyPrefix('--prefix', prefix)).toBe(prefix)
  })

  test.each(['', '/', '//', 'a//b', 'a/../', './', 'a/..'])('%j is none', (prefix) => {
    expect(() => checkKeyPrefix('--prefix', prefix)).toThrow(prefix === '' ? 'the beginning of a key' : 'begins no key')
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
    expect(() => checkIsLock({ ...entry, flags, lockIndex, session })).toThrow(`the key k ${why}`)
  })
})
