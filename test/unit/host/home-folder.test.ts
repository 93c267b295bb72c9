import { userInfo } from 'node:os'
import { expect, test } from 'vitest'
import { homeFolder } from '../../../src/host/home-folder.ts'

test('the home folder is HOME, and without one that of the password file', () => {
  expect(homeFolder({ HOME: '/home/eve' })).toBe('/home/eve')
  expect(homeFolder({})).toBe(userInfo().homedir)
  expect(homeFolder({ HOME: '' })).toBe(userInfo().homedir)
})
