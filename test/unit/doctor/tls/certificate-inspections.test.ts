import { describe, expect, test } from 'vitest'
import { judgeAuthority, judgeValidity } from '../../../../src/doctor/tls/certificate-inspections.ts'

const NOW = Date.parse('2026-11-29T12:00:00Z')
const DAY = 86_400_000

/** A certificate that counts from so many days ago to so many days ahead. */
function validity(sinceDays: number, forDays: number) {
  return { subject: 'server.dc1.consul', fromMs: NOW - sinceDays * DAY, toMs: NOW + forDays * DAY }
}

describe('a certificate', () => {
  test.each([
    [validity(100, 265), 'fine', 'valid until 2027-08-21'],
    [validity(355, 13), 'warning', 'for 13d more'],
    [validity(355, 15), 'fine', 'valid until'],
    // One that lives for three days is renewed in time.
    [validity(1, 2), 'fine', 'valid until'],
    [validity(2.5, 0.5), 'warning', 'for 12h more'],
    [validity(365, -1), 'failure', 'ended 1d ago'],
    [validity(365, 0), 'failure', 'ended 0ms ago'],
    [validity(-1, 365), 'failure', 'is not valid before 2026-11-30T12:00:00.000Z'],
  ])('%#: %s', (about, mark, said) => {
    const finding = judgeValidity('the CA', about, NOW)
    expect([finding.mark, finding.said.includes(said)], finding.said).toEqual([mark, true])
  })
})

describe('who signed it', () => {
  test.each([
    [validity(1, 365), undefined, 'fine'],
    [validity(1, 365), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'failure'],
    [undefined, 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'failure'],
    [undefined, 'DEPTH_ZERO_SELF_SIGNED_CERT', 'failure'],
    [validity(365, -1), 'CERT_HAS_EXPIRED', 'failure'],
    // That of the agent's own certificate, of which another check tells.
    [validity(1, 365), 'CERT_HAS_EXPIRED', 'fine'],
    [validity(1, 365), 'ERR_TLS_CERT_ALTNAME_INVALID', 'fine'],
    [undefined, undefined, 'warning'],
  ])('%#: %s', (first, objection, mark) => {
    expect(judgeAuthority('CN=Consul Agent CA', first, objection, NOW).mark).toBe(mark)
  })
})
