import { expect, test } from 'vitest'
import { connectionString } from '../../../../../src/leader/application/postgres/connection-string.ts'

test('what libpq is told has no password in it, and quotes what needs it', () => {
  const target = { host: '10.0.0.1', port: 5432, user: "o'neill", passfile: '/var/lib/my files/.pgpass' }
  expect(connectionString(target, { application_name: 'web1' })).toBe(
    String.raw`host=10.0.0.1 port=5432 user='o\'neill' passfile='/var/lib/my files/.pgpass' connect_timeout=5 application_name=web1`,
  )
  expect(connectionString({ ...target, passfile: undefined }, {})).toBe(
    String.raw`host=10.0.0.1 port=5432 user='o\'neill' connect_timeout=5`,
  )
})
