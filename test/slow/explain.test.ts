import { describe, expect, test } from 'vitest'
import { type LockerOptions, runLocker } from '../kit/locker.ts'
import { scratch } from '../kit/unique.ts'

/** Nothing listens there, and nothing is to be asked. */
const NOWHERE = { address: '127.0.0.1:1' }

describe('consul-locker explain', () => {
  test.each<[words: string[], env?: NodeJS.ProcessEnv]>([
    [['--ttl', '5s', 'backup', 'true']],
    [['--ttl', '48s', 'backup', 'true']],
    [['--renew', '14.5s', 'backup', 'true']],
    [['--lock-delay', '20s', 'backup', 'true']],
    [['backup', 'true'], { CONSUL_LOCKER_KILL_AFTER: '38s' }],
    [['--ttl', 'soon', 'backup', 'true']],
    [['-n', '-w', '5', 'backup', 'true']],
    [['--slots', '3', '--once-per', '1h', 'backup', 'true']],
    [['--on-lost', 'NOSUCH', 'backup', 'true']],
    [['--timeout-signal', 'INT', 'backup', 'true']],
    [['--gate', 'nonsense', 'backup', 'true']],
    [['--log-format', 'xml', 'backup', 'true']],
    [['--release-timeout', '5s', 'backup', 'true']],
    [['--slot', '', 'backup', 'true']],
    [['--tz', 'UTC', 'backup', 'true']],
    [['-E', '256', 'backup', 'true']],
    [['--tee-size', '5M', 'backup', 'true']],
    [['--report-file', '/no/such/folder/report', 'backup', 'true']],
    [['--textfile', '/tmp/metrics', 'backup', 'true']],
    [['--ping', 'nowhere', 'backup', 'true']],
    [['--also', 'backup', 'backup', 'true']],
    [['--http-addr', 'ftp://consul', 'backup', 'true']],
    [['--token-file', '/no/such/token', 'backup', 'true']],
    [['--client-cert', 'cert.pem', 'backup', 'true']],
    [['--dev', '--http-addr', 'https://consul', 'backup', 'true']],
    [['a b', 'true']],
    [['backup', '-c', 'one', 'two']],
    [['backup', 'no-such-command']],
    [['backup', '/etc/passwd']],
  ])('refuses %j as a run does: in the same words, with the same code', async (words, env = {}) => {
    const options: LockerOptions = { ...NOWHERE, env, cwd: scratch() }
    const run = await runLocker(['run', ...words], options)
    const explained = await runLocker(['explain', ...words], options)
    expect(run.stderr).not.toContain('127.0.0.1:1')
    expect(explained).toMatchObject({ code: run.code, stdout: '', stderr: run.stderr })
    expect([2, 126, 127]).toContain(run.code)
  })
})
