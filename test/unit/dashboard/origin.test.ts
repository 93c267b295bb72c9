import { describe, expect, test } from 'vitest'
import { isExpectedHost, isFromElsewhere, isFromOurPage } from '../../../src/dashboard/origin.ts'

describe('the name that a dashboard is asked for by', () => {
  test.each([
    'localhost:8520',
    'LOCALHOST',
    '127.0.0.1:8520',
    '10.0.0.5',
    '[::1]:8520',
    'web1:8520',
    'Web1.',
    'locks.example.com',
  ])('may be %s', (host) => expect(isExpectedHost(host, ['web1', 'locks.example.com'])).toBe(true))

  test.each([
    'evil.example',
    'evil.example:8520',
    'locks.example.com.evil.example',
    '127.0.0.1.evil.example',
    'localhost@evil.example',
    '[::1].evil.example',
    '[evil.example]',
    'web1/',
    '',
    undefined,
  ])('may not be %s', (host) => expect(isExpectedHost(host, ['web1', 'locks.example.com'])).toBe(false))
})

test.each([
  [{ origin: 'http://web1:8520', host: 'web1:8520' }, true],
  [{ origin: 'https://locks.example.com', host: 'locks.example.com' }, true],
  [{ origin: 'http://web1:8521', host: 'web1:8520' }, false],
  [{ origin: 'http://evil.example', host: 'web1:8520' }, false],
  [{ origin: 'null', host: 'web1:8520' }, false],
  [{ host: 'web1:8520' }, false],
])('what was sent with %o comes from our page: %s', (headers, isOurs) => expect(isFromOurPage(headers)).toBe(isOurs))

test.each([
  ['cross-site', true],
  ['same-site', true],
  ['same-origin', false],
  ['none', false],
  [undefined, false],
])('what the browser calls %s comes from elsewhere: %s', (site, isElsewhere) =>
  expect(isFromElsewhere(site === undefined ? {} : { 'sec-fetch-site': site })).toBe(isElsewhere),
)
