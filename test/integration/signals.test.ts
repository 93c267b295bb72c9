import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { describe, expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { patiently, type Running, startLocker } from '../kit/locker.ts'
import { runs, stateOf } from '../kit/processes.ts'
import { startProxy } from '../kit/proxy.ts'
import { uniqueName } from '../kit/unique.ts'

/** Prints its name with each signal that it gets; ends at ALRM, the last one. */
const listener = `
for s in INT TERM HUP QUIT USR1 USR2 WINCH CONT TTIN TTOU ABRT PWR IO VTALRM PROF XCPU URG STKFLT; do trap "echo $1 got $s." $s; done
trap "echo $1 got ALRM.; exit 0" ALRM
[ "$1" = child ] && bash -c "$0" "$0" grandchild &
echo "$1 listens."
while :; do read -r -t 1 <>/dev/fd/9; done 9<> <(:)
`

/** Rarely sent, or for those who know. ALRM ends the listener, and comes last. */
const RARE = ['TTIN', 'TTOU', 'ABRT', 'PWR', 'IO', 'VTALRM', 'PROF', 'XCPU', 'URG', 'STKFLT']

async function listening(): Promise<Running> {
  const runner = startLocker([uniqueName('signals'), 'bash', '-c', listener, listener, 'child'])
  await runner.prints(/^child listens\.$/m)
  await runner.prints(/^grandchild listens\.$/m)
  return runner
}

describe('a signal to the runner', () => {
  test('reaches the command and what the command started, exactly once', async () => {
    const runner = await listening()
    // A second one of INT and TERM would kill, so they come in two runs.
    const signals = ['INT', 'HUP', 'QUIT', 'USR1', 'USR2', 'WINCH', 'CONT', ...RARE, 'ALRM']
    for (const signal of signals) {
      runner.kill(`SIG${signal}` as NodeJS.Signals)
      await runner.prints(new RegExp(`^child got ${signal}\\.$`, 'm'))
      await runner.prints(new RegExp(`^grandchild got ${signal}\\.$`, 'm'))
    }
    const ended = await runner.ends()
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    const heard = ended.stdout.split('\n').filter((line) => line.includes(' got '))
    const expected = signals.flatMap((signal) => [`child got ${signal}.`, `grandchild got ${signal}.`])
    expect(heard.sort()).toEqual(expected.sort())
  })

  test('reaches the command, which may go on after TERM', async () => {
    const runner = await listening()
    for (const signal of ['TERM', 'USR1', 'ALRM']) {
      runner.kill(`SIG${signal}` as NodeJS.Signals)
      await runner.prints(new RegExp(`^child got ${signal}\\.$`, 'm'))
      await runner.prints(new RegExp(`^grandchild got ${signal}\\.$`, 'm'))
    }
    expect(await runner.ends()).toMatchObject({ code: 0, stderr: '' })
  })

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGALRM'] as const)(
    'ends a command that does nothing about it: %s gives 128+n, and nothing is left',
    async (signal) => {
      const name = uniqueName('default')
      const runner = startLocker([name, 'sh', '-c', 'ulimit -c 0; echo ready; exec sleep 30'])
      await runner.prints(/ready/)
      runner.kill(signal)
      expect(await runner.ends()).toMatchObject({ code: 128 + constants.signals[signal], signal: null, stderr: '' })
      expect(await new ConsulClient().remains(name)).toEqual([])
    },
  )

  test.each(['RTMIN+3', 'SEGV', 'TRAP', 'SYS', 'KILL'])(
    'that can’t be passed on ends the runner, and the guardian the command: %s',
    async (signal) => {
      const name = uniqueName('deadly')
      const runner = startLocker([name, 'sh', '-c', 'ulimit -c 0; echo "pid $$."; exec sleep 60'], {
        through: ['sh', '-c', 'ulimit -c 0; exec "$0" "$@"'],
      })
      const [, pid] = await runner.prints(/^pid (\d+)\.$/m)
      execFileSync('bash', ['-c', `kill -s ${signal} ${runner.pid}`])
      await patiently(
        async () => runner.hasEnded && !runs(Number(pid)) && (await new ConsulClient().remains(name)).length === 0,
        () => 'the command goes on, or the lock was not given back',
      )
    },
  )

  test.each(['PIPE', 'XFSZ', 'CHLD'])('that our own doing may bring about means nothing: %s', async (signal) => {
    const runner = startLocker([uniqueName('own'), 'sh', '-c', `kill -s ${signal} $PPID; read -r _; exit 3`], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    runner.child.stdin?.end('\n')
    expect(await runner.ends()).toMatchObject({ code: 3, stderr: '' })
  })

  test('stops the command and the runner at TSTP, and CONT continues both', async () => {
    const runner = startLocker([uniqueName('stop'), 'sh', '-c', 'echo "pid $$."; read -r x; exit 5'], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const [, word] = await runner.prints(/^pid (\d+)\.$/m)
    const child = Number(word)
    runner.kill('SIGTSTP')
    await patiently(
      () => stateOf(child) === 'T' && stateOf(runner.pid) === 'T',
      () => `stopped: child ${stateOf(child)}, runner ${stateOf(runner.pid)}`,
    )
    runner.kill('SIGCONT')
    await patiently(
      () => stateOf(child) !== 'T' && stateOf(runner.pid) !== 'T',
      () => `continued: child ${stateOf(child)}, runner ${stateOf(runner.pid)}`,
    )
    runner.child.stdin?.end('\n')
    expect(await runner.ends()).toMatchObject({ code: 5 })
  })

  test('lets a command with a handler for TSTP have it, before all stop', async () => {
    const script =
      'trap "echo got TSTP" TSTP; trap "echo got CONT" CONT; echo ready; while ! read -r -t 0.1; do :; done'
    const runner = startLocker([uniqueName('handler'), 'bash', '-c', script], { stdio: ['pipe', 'pipe', 'pipe'] })
    await runner.prints(/ready/)
    for (let times = 1; times <= 3; times++) {
      runner.kill('SIGTSTP')
      await patiently(
        () => stateOf(runner.pid) === 'T',
        () => 'the runner did not stop',
      )
      runner.kill('SIGCONT')
      await runner.prints(new RegExp(`(got TSTP[^]*){${times}}`))
      await runner.prints(new RegExp(`(got CONT[^]*){${times}}`))
    }
    runner.child.stdin?.end('\n')
    const { code, stdout } = await runner.ends()
    expect(code).toBe(0)
    expect(stdout.match(/got TSTP/g)).toHaveLength(3)
    expect(stdout.match(/got CONT/g)).toHaveLength(3)
  })

  test.each([
    ['SIGINT', 'SIGINT'],
    ['SIGTERM', 'SIGTERM'],
    ['SIGINT', 'SIGTERM'],
  ] as const)('kills at once a command that ignores it, at the second time: %s, %s', async (first, second) => {
    const name = uniqueName('stubborn')
    const stubborn = 'trap "echo heard" INT TERM; echo "pid $$."; while :; do sleep 0.1; done'
    const runner = startLocker([name, 'sh', '-c', stubborn])
    const [, word] = await runner.prints(/^pid (\d+)\.$/m)
    runner.kill(first)
    await runner.prints(/heard/)
    expect(runs(Number(word))).toBe(true)
    runner.kill(second)
    expect(await runner.ends()).toMatchObject({ code: 137 })
    expect(runner.stderr).not.toContain('consul-locker')
    expect(runs(Number(word))).toBe(false)
    expect(await new ConsulClient().remains(name)).toEqual([])
  })

  test('is not lost between the lock and the command: TERM while Consul’s yes is on its way', async () => {
    const name = uniqueName('early')
    const proxy = await startProxy()
    const yes = proxy.hold(/\/v1\/txn/)
    const runner = startLocker([name, 'sleep', '30'], { address: proxy.address })
    await yes.arrived
    expect((await new ConsulClient().entry(`consul-locker-${name}`))?.Session).toBeDefined()
    runner.kill('SIGTERM')
    yes.release()
    expect((await runner.ends()).code).toBe(143)
    expect(await new ConsulClient().remains(name)).toEqual([])
  })
})

describe('a signal to a runner that has just been started', () => {
  /** USR1 is the tenth signal; Node blocks it before it hears of it, which is long before our first line. */
  function isBlockedOrCaught(pid: number): boolean {
    const masks = readFileSync(`/proc/${pid}/status`, 'utf8').matchAll(/^Sig(?:Blk|Cgt):\s*(\w+)$/gm)
    return Array.from(masks, ([, mask]) => Number.parseInt(mask?.slice(-4) ?? '', 16)).some((mask) => mask & (1 << 9))
  }

  test('opens no debugger: USR1 before we listen for it', async () => {
    // A debugger tells where it listens in a moment, from a thread of its own.
    const runner = startLocker([uniqueName('early'), 'sh', '-c', 'trap "" USR1; sleep 0.5'])
    const end = performance.now() + 10_000
    // No pause: it is a matter of milliseconds.
    while (!isBlockedOrCaught(runner.pid)) expect(performance.now()).toBeLessThan(end)
    runner.kill('SIGUSR1')
    expect(await runner.ends()).toMatchObject({ code: 0, stdout: '', stderr: '' })
  })
})

describe('a signal to a runner that waits', () => {
  const numbers = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129, SIGQUIT: 131 } as const

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const)(
    'ends the wait: %s leaves no session, and the holder’s key as it was',
    async (signal) => {
      const name = uniqueName('waiting')
      const consul = new ConsulClient()
      const holder = startLocker([name, 'cat'], { stdio: ['pipe', 'pipe', 'pipe'] })
      const session = await consul.holder(`consul-locker-${name}`)
      const before = await consul.entry(`consul-locker-${name}`)
      const waiter = startLocker([name, 'echo', 'ran'])
      await waiter.says(/waiting for/)
      waiter.kill(signal)
      expect(await waiter.ends()).toMatchObject({ code: numbers[signal], signal: null, stdout: '' })
      expect((await consul.sessions(name)).map(({ ID }) => ID)).toEqual([session])
      expect(await consul.entry(`consul-locker-${name}`)).toEqual(before)
      holder.child.stdin?.end()
      expect(await holder.ends()).toMatchObject({ code: 0, stderr: '' })
    },
  )

  test.each(['SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT', 'SIGALRM'] as const)(
    'means nothing before there is a command: %s',
    async (signal) => {
      const name = uniqueName('patient')
      const consul = new ConsulClient()
      const holder = startLocker([name, 'cat'], { stdio: ['pipe', 'pipe', 'pipe'] })
      await consul.holder(`consul-locker-${name}`)
      const waiter = startLocker([name, 'sh', '-c', 'exit 3'])
      await waiter.says(/waiting for/)
      waiter.kill(signal)
      holder.child.stdin?.end()
      expect(await waiter.ends()).toMatchObject({ code: 3 })
    },
  )
})
