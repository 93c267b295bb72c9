import { describe, expect, test } from 'vitest'
import type { Entry } from '../../../src/consul/kv.ts'
import {
  holdersIn,
  listKeyOf,
  livingAmong,
  probesOf,
  READERS_FORM,
  SEMAPHORE_FORM,
  someOf,
} from '../../../src/lock/holder-list.ts'
import { virtualLock } from '../../virtual/virtual-lock.ts'

const [A, B, C] = ['a', 'b', 'c'].map((letter) => `9ab98b35-3735-4010-a43b-bfe24e30079${letter}`) as [
  string,
  string,
  string,
]

describe('the list of a semaphore', () => {
  test.each([
    ['{"Limit":3,"Holders":{}}', { limit: 3, holders: [] }],
    ['{"Limit":3,"Holders":null}', { limit: 3, holders: [] }],
    [`{"Limit":1,"Holders":{"${A}":true,"${B}":false}}`, { limit: 1, holders: [A, B] }],
    ['{"Limit":2,"Holders":{"x":1},"More":[]}', { limit: 2, holders: ['x'] }],
    ['{"Limit":2,"Holders":{"__proto__":true}}', { limit: 2, holders: [] }],
    ['{"Limit":0,"Holders":{}}', undefined],
    ['{"Limit":-1,"Holders":{}}', undefined],
    ['{"Limit":1.5,"Holders":{}}', undefined],
    ['{"Limit":"3","Holders":{}}', undefined],
    ['{"Limit":3}', undefined],
    ['{"Holders":{}}', undefined],
    ['{"Limit":3,"Holders":[]}', undefined],
    ['{"Limit":3,"Holders":"x"}', undefined],
    ['[]', undefined],
    ['null', undefined],
    ['', undefined],
    ['{', undefined],
    [`{"Limit":3,"Holders":{"${'x'.repeat(300_000)}":true}}`, undefined],
  ])('is read from %.60s', (value, list) => {
    expect(SEMAPHORE_FORM.parse(value)).toEqual(list)
  })

  test('is written as the Go client writes it', () => {
    expect(SEMAPHORE_FORM.encode({ limit: 3, holders: [A, B] })).toBe(`{"Limit":3,"Holders":{"${A}":true,"${B}":true}}`)
  })
})

describe('the list of readers', () => {
  test.each([
    ['{"Readers":{}}', []],
    [`{"Readers":{"${A}":true}}`, [A]],
    ['{"Readers":[]}', undefined],
    ['{"Limit":3,"Holders":{}}', undefined],
    ['{"Slots":"x/.lock"}', undefined],
  ])('is read from %s', (value, holders) => {
    expect(READERS_FORM.parse(value)?.holders).toEqual(holders)
  })

  test('is read as it is written, and is no semaphore', () => {
    const value = READERS_FORM.encode({ limit: Number.POSITIVE_INFINITY, holders: [A, B] })
    expect(READERS_FORM.parse(value)).toEqual({ limit: Number.POSITIVE_INFINITY, holders: [A, B] })
    expect(SEMAPHORE_FORM.parse(value)).toBeUndefined()
  })
})

test.each([
  ['slots', SEMAPHORE_FORM.encode({ limit: 3, holders: [A, B] }), [A, B]],
  ['readers', READERS_FORM.encode({ limit: 3, holders: [A, B] }), [A, B]],
  ['nobody', 'rubbish', []],
])('who is in is told of %s', (_, value, holders) => {
  expect(holdersIn(value)).toEqual(holders)
})

test.each([
  ['consul-locker-db=shared/abc', 'consul-locker-db'],
  ['x=shared/y=shared/abc', 'x=shared/y'],
  ['consul-locker-db/abc', 'consul-locker-db/.lock'],
  ['svc/db/abc', 'svc/db/.lock'],
])('who holds %s stands in the list at %s', (key, list) => {
  expect(listKeyOf(key)).toBe(list)
})

test('who of a list lives holds the key of his session, and comes in the order in which he came', () => {
  const keyOf = (id: string) => `place/${id}`
  const entry = (key: string, session: string | undefined, createIndex: number): Entry => ({
    key,
    session,
    createIndex,
    modifyIndex: createIndex,
    value: '',
    flags: 0n,
    lockIndex: 1,
  })
  const entries = [
    entry(keyOf(A), A, 9),
    entry(keyOf(B), B, 4),
    entry(keyOf(C), undefined, 5),
    entry(keyOf('other'), C, 6),
    entry('place/.lock', C, 7),
  ]
  const living = livingAmong({ limit: 3, holders: [A, B, C] }, entries, keyOf)
  expect(living.map(({ session }) => session)).toEqual([B, A])
  expect(livingAmong({ limit: 3, holders: [C] }, entries, keyOf)).toEqual([])
})

test('only a session has a lock-delay to be asked for', () => {
  const ops = probesOf([A, 'somebody'], (id) => `place/${id}`, B)
  expect(ops.map(({ verb, key, session }) => [verb, key, session])).toEqual([
    ['lock', `place/${A}`, B],
    ['delete', `place/${A}`, undefined],
  ])
})

test('no more dead are removed at once than a transaction takes, and none when there is room', () => {
  const { ctx } = virtualLock()
  const dead = Array.from({ length: 40 }, (_, n) => `${n}`)
  expect(someOf(ctx, dead, 40)).toHaveLength(15)
  expect(someOf(ctx, dead, 2)).toHaveLength(2)
  expect(someOf(ctx, dead, 0)).toEqual([])
  expect(someOf(ctx, dead, -3)).toEqual([])
})

test('those that are removed are drawn by lot, for some are closed for longer than others', () => {
  const { ctx } = virtualLock()
  const lots = [0.9, 0.1, 0.5, 0.3]
  const drawing = { ...ctx, random: () => lots.shift() ?? 1 }
  expect(someOf(drawing, ['a', 'b', 'c', 'd'], 3)).toEqual(['b', 'd', 'c'])
})
