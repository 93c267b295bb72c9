import { expect, test } from 'vitest'
import { connectFailure } from '../../../src/probe/probe-result.ts'

test.each([
  ['CERT_HAS_EXPIRED', 'certificate has expired', 'its certificate has expired'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'Hostname/IP does not match', 'its certificate is for another name'],
  ['HPE_INVALID_CONSTANT', 'Parse Error', 'it speaks no HTTP'],
  ['EADDRNOTAVAIL', 'connect EADDRNOTAVAIL', 'connect EADDRNOTAVAIL'],
  ['ESOMETHING', '', 'ESOMETHING'],
])('%s is told as a reason', (code, message, reason) => {
  expect(connectFailure(Object.assign(new Error(message), { code }))).toBe(reason)
})
