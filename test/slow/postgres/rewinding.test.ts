import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Member, Members } from './members.ts'

let members: Members
let one: Member
let two: Member

beforeAll(async () => {
  members = await Members.open()
  one = members.add()
  two = members.add()
  await one.begin()
  await two.follow(one)
})

afterAll(() => members?.[Symbol.asyncDispose]())

test('what went another way is rewound, and nothing but that', async () => {
  await two.fence()
  one.write(9001, 9010)
  await one.fence()
  await two.standBy()
  await two.promote()
  two.write(9100, 9100)
  await one.follow(two)
  expect(one.has('data.old')).toBe(false)
  await expect.poll(() => one.sql('SELECT number FROM numbers WHERE number > 9000')).toBe('9100')
  expect(await one.ready()).toMatchObject({ ready: true })
})
