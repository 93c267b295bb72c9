import { describe, expect, test } from 'vitest'
import { Healthchecks } from '../kit/healthchecks.ts'
import { runLocker } from '../kit/locker.ts'
import { endsInSpite, sh } from '../kit/pings.ts'
import { uniqueName } from '../kit/unique.ts'

describe('--ping', () => {
  test.each<[how: string, instead: NonNullable<Parameters<typeof Healthchecks.start>[0]>['instead'], why: RegExp]>([
    ['never answers', () => true, /no answer/],
    [
      'answers garbage',
      (request) => {
        request.socket.end('\u0000garbage\r\n\r\n')
        return true
      },
      /it speaks no HTTP/,
    ],
    [
      'begins an answer and stops',
      (_, response) => {
        response.writeHead(200, { 'content-length': '5' }).write('O')
        return true
      },
      /no answer/,
    ],
  ])('a server that %s holds the run’s end up no longer than until a signal', async (_, instead, why) => {
    await endsInSpite(await Healthchecks.start(instead ? { instead } : {}), why)
  })

  test('a server that never answers is waited for at the end for 15 s', async () => {
    const check = await Healthchecks.start({ instead: () => true })
    const { code, stderr } = await runLocker(['--ping', check.url, uniqueName('ping'), ...sh('exit 5')])
    expect(code).toBe(5)
    const warnings = ['start', 'end'].map((one) => `consul-locker: warn: the ping of the run's ${one} doesn't reach`)
    expect(stderr).toMatch(new RegExp(`^${warnings[0]} .*: no answer\n${warnings[1]} .*: no answer\n$`))
    expect(check.tries).toBeGreaterThan(1)
  })
})
