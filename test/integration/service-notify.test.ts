import { spawn } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { program } from '../../scripts/debian.ts'
import { systemClock } from '../../src/base/clock.ts'
import type { Context } from '../../src/base/context.ts'
import { createLog } from '../../src/base/log.ts'
import { notifyService } from '../../src/child/service-notify.ts'
import { Running } from '../kit/locker.ts'
import { scratch } from '../kit/unique.ts'

// Prints each datagram as a line, line breaks shown as blanks.
const RECEIVER = `$| = 1;
socket(S, AF_UNIX, SOCK_DGRAM, 0) && bind(S, sockaddr_un($ARGV[0])) or die $!;
print "bound\\n";
while (defined recv(S, $_, 65536, 0)) { s/\\n/ /g; print "$_\\n" }`

let environment: NodeJS.ProcessEnv

beforeAll(async () => {
  const { env, path } = await program('systemd-notify', 'systemd')
  environment = { ...env, PATH: `${join(path, '..')}:${env.PATH}` }
})

async function systemd(): Promise<{ socket: string; received: Running }> {
  const socket = join(scratch(), 'notify')
  const perl = await program('perl', 'perl-base')
  const received = new Running(spawn(perl.path, ['-MSocket', '-e', RECEIVER, socket], { env: perl.env }))
  await received.prints(/bound/)
  return { socket, received }
}

function context(): { ctx: Context; said: string[] } {
  const said: string[] = []
  const log = createLog({ format: 'text', quiet: false, debug: false, write: (line) => said.push(line) })
  return { ctx: { clock: systemClock, log, signal: new AbortController().signal, random: Math.random }, said }
}

describe('systemd', () => {
  test('is told that we are ready, how we are, and that we end', async () => {
    const { socket, received } = await systemd()
    const { ctx, said } = context()
    const env = { ...environment, NOTIFY_SOCKET: socket }
    await notifyService(ctx, env, { ready: true, status: 'web is up' })
    await notifyService(ctx, env, { status: 'two\nlines\nREADY=1' })
    await notifyService(ctx, env, { stopping: true })
    await received.prints(/STOPPING=1/)
    const lines = received.stdout.split('\n').filter((line) => !/^(bound|BARRIER=1|)$/.test(line))
    expect(lines.map((line) => line.trim())).toEqual([
      'READY=1 STATUS=web is up',
      'STATUS=two lines READY=1',
      'STOPPING=1',
    ])
    expect(said).toEqual([])
  })

  test('is told nothing when it did not start us', async () => {
    const { ctx, said } = context()
    await notifyService(ctx, { PATH: '/nonexistent' }, { ready: true })
    expect(said).toEqual([])
  })

  test.each([
    [
      'has gone',
      (env: NodeJS.ProcessEnv) => env,
      /^consul-locker: warn: systemd can't be told READY=1: .* ended with 1/,
    ],
    ['has no systemd-notify', () => ({ PATH: '/nonexistent' }), /"systemd-notify" was not found\n$/],
  ])('that %s costs a warning, nothing more', async (_, envOf, sentence) => {
    const { ctx, said } = context()
    await notifyService(ctx, { ...envOf(environment), NOTIFY_SOCKET: join(scratch(), 'nobody') }, { ready: true })
    expect(said).toEqual([expect.stringMatching(sentence)])
  })

  test('that never reads does not hold us up', async () => {
    const folder = scratch()
    const endless = join(folder, 'systemd-notify')
    writeFileSync(endless, '#!/bin/sh\nexec sleep 600\n')
    chmodSync(endless, 0o755)
    const { ctx, said } = context()
    const hurried: Context = {
      ...ctx,
      clock: { ...systemClock, after: (ms, wake) => systemClock.after(ms / 100, wake) },
    }
    await notifyService(hurried, { PATH: `${folder}:/bin`, NOTIFY_SOCKET: '/x' }, { ready: true })
    expect(said).toEqual([expect.stringMatching(/can't be told READY=1: no end within 10000 ms/)])
  })
})
