import { expect, test } from 'vitest'
import { Failure } from '../../../src/base/failure.ts'
import { breaksBy } from '../../../src/doctor/diagnosis.ts'

test.each([
  ['Consul at a:1 answers 429: Your IP is issuing too many concurrent connections', true],
  ['a:1 closes the connection without an answer (other side closed)', true],
  ['what answers at a:1 is not Consul: no JSON', false],
])('no answer, %s: the limit of connections is named: %s', (message, isNamed) => {
  const { mark, cure = '' } = breaksBy(new Failure('unavailable', message, { hint: 'is that its port?' }))
  expect([mark, cure.includes('http_max_conns_per_client')]).toEqual(['failure', isNamed])
})
