import { describe, expect, test } from 'vitest'
import { judgeCron } from '../../../../src/doctor/machine/cron-inspection.ts'

const OPTIONS = ['CONSUL_LOCKER_NO_WAIT', 'CONSUL_LOCKER_HTTP_ADDR']

describe('under cron', () => {
  test.each([
    [{}, '', 'fine'],
    [{ CONSUL_HTTP_ADDR: 'a:1' }, '', 'warning'],
    [{ CONSUL_HTTP_ADDR: 'a:1' }, 'LANG=C\nexport CONSUL_HTTP_ADDR=a:1\n', 'fine'],
    [{ CONSUL_HTTP_ADDR: 'a:1', CONSUL_HTTP_TOKEN: 't' }, 'CONSUL_HTTP_ADDR=a:1\n', 'warning'],
    [{ SSL_CERT_FILE: '/ca' }, '', 'warning'],
    [{ HOME: '/root', EDITOR: 'vi' }, '', 'fine'],
  ])('%j, with %j everywhere: %s', (environment, everywhere, mark) => {
    expect(judgeCron(environment, OPTIONS, '/opt/consul-locker', everywhere).mark).toBe(mark)
  })

  test('a program is not found that lies elsewhere', () => {
    const folder = import.meta.dirname
    const program = 'cron-inspection.test.ts'
    const { mark, said, cure } = judgeCron({ PATH: `/nowhere:${folder}` }, OPTIONS, program, '')
    expect([mark, said]).toEqual(['warning', `cron does not look for ${program} in ${folder}`])
    expect(cure).toContain('PATH=…')
  })
})
