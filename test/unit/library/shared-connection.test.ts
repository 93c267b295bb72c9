import { describe, expect, test } from 'vitest'
import { given } from '../../../src/library/given.ts'
import { aDuration } from '../../../src/library/given-duration.ts'
import { settingsOf } from '../../../src/library/shared-connection.ts'

describe('how Consul is reached', () => {
  test('is by the agent on this machine unless it is told', () => {
    expect(settingsOf({}, {})).toMatchObject({
      address: { origin: 'http://127.0.0.1:8500' },
      token: undefined,
      tls: { verify: true },
      patienceMs: 300_000,
      warnings: [],
    })
  })

  test('comes from the variables of consul, and what is given comes before them', () => {
    const environment = { CONSUL_HTTP_ADDR: 'one:1', CONSUL_HTTP_TOKEN: 'theirs', CONSUL_HTTP_SSL: 'true' }
    expect(settingsOf({}, environment)).toMatchObject({ address: { origin: 'https://one:1' }, token: 'theirs' })
    const given = settingsOf(
      { address: 'http://two:2', token: 'ours', timeout: 0 },
      { ...environment, CONSUL_HTTP_SSL: '' },
    )
    expect(given).toMatchObject({ address: { origin: 'http://two:2' }, token: 'ours', patienceMs: Infinity })
  })

  test('takes a token that is given before a file in the environment', () => {
    const environment = { CONSUL_HTTP_TOKEN_FILE: '/nowhere' }
    expect(settingsOf({ token: 'ours' }, environment)).toMatchObject({ token: 'ours', tokenFile: undefined })
    expect(() => settingsOf({}, environment)).toThrow(/token file/)
  })

  test('warns of a token that goes over the wire in clear, and of an agent that nobody verifies', () => {
    expect(settingsOf({ address: 'http://far:8500', token: 't' }, {}).warnings).toEqual([
      expect.stringContaining('clear'),
    ])
    const unverified = settingsOf({ address: 'https://far:8501' }, { CONSUL_HTTP_SSL_VERIFY: 'false' })
    expect(unverified).toMatchObject({ tls: { verify: false }, warnings: [expect.stringContaining('SSL_VERIFY')] })
  })

  test('needs a certificate and its key', () => {
    expect(() => settingsOf({ clientCert: 'c.pem' }, {})).toThrow(/needs its key/)
  })
})

test.each([
  [90, 90],
  ['90', 90_000],
  ['1.5h', 5_400_000],
  [Infinity, Infinity],
])('a time of %o is %d ms', (time, ms) => expect(given('wait', aDuration, time)).toBe(ms))

test.each([-1, Number.NaN, '', 'soon', '-1s', true])('%o is no time', (time) =>
  expect(() => given('wait', aDuration, time)).toThrow(/not a time/),
)
