import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { LOCKER, patiently, runLocker, startLocker } from '../kit/locker.ts'
import { Terminal } from '../kit/terminal.ts'
import { uniqueName } from '../kit/unique.ts'

const holds = (name: string) => new ConsulClient().holder(`consul-locker-${name}`)

/** A terminal in which this is watched live, with a line from before above it. */
async function watching(words: string, before = 'true'): Promise<Terminal> {
  const terminal = await Terminal.open()
  await terminal.run('echo before')
  await terminal.run(before)
  await terminal.enter(`$L locks --watch ${words}`)
  await terminal.shows(/.* by name .*\d\d:\d\d:\d\dZ/)
  return terminal
}

/** That the terminal is as it was: its text, its modes, its prompt. */
async function isRestored(terminal: Terminal, status: number): Promise<void> {
  await terminal.prompts(status)
  await terminal.shows(/before/)
  await terminal.run('clear; stty -a | grep -oE "[-]?(icanon|echo|isig)( |$)" | tr -d "\\n "; echo', 0)
  await terminal.shows(/isigicanonecho/)
}

test('locks --watch ends when nobody reads it any more, though nothing changes', async () => {
  const name = uniqueName('quiet')
  await runLocker([name, 'true'])
  const script = '{ "$0" "$@"; echo "code $?" >&2; } | head -n 1'
  const ended = await runLocker(['-c', script, LOCKER, 'locks', '--watch', '--json', name], { locker: '/bin/sh' })
  expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining(name), stderr: 'code 141\n' })
})

describe('locks --watch on a terminal', () => {
  test('takes it, and leaves it as it was, though it is somebody else’s, as after su', async () => {
    const terminal = await Terminal.open()
    await terminal.run('echo before')
    await terminal.enter(`setpriv --reuid 4242 --regid 4242 --clear-groups $L locks --watch ${uniqueName('su')}`)
    await terminal.shows(/.* by name .*\d\d:\d\d:\d\dZ/)
    expect(await terminal.screen()).not.toContain('before')
    await terminal.type('q')
    await isRestored(terminal, 0)
  })

  test('shows locks that are taken, waited for and given back, and leaves the terminal as it was', async () => {
    const stem = uniqueName('live')
    await runLocker([`${stem}-past`, 'sh', '-c', 'exit 3'])
    const terminal = await watching(`'${stem}-*'`)
    await terminal.shows(/live\S*…? +free .*exit 3/)
    const holder = startLocker([`${stem}-a`, 'sleep', '60'])
    await terminal.shows(/live\S*…? +held +\S+ \S+ sleep +\d+s +\d+ +- +-/)
    const waiter = startLocker([`${stem}-a`, 'true'])
    await terminal.shows(/live\S*…? +held +\S+ \S+ sleep +\d+s +\d+ +1 +-/)
    await terminal.press('Home')
    await terminal.press('Enter')
    await terminal.shows(new RegExp(`lock +${stem}-a: held`))
    await terminal.shows(/waiting +1\. \S+ \S+ true \(pid \d+\) for \d+s/)
    await terminal.shows(/no run under it is recorded/)
    await terminal.press('Escape')
    await terminal.shows(/NAME +STATE +HOLDER +FOR +FENCE +WAIT +LAST RUN/)
    await terminal.press('Down')
    await terminal.press('Enter')
    await terminal.shows(new RegExp(`lock +${stem}-past: free`))
    await terminal.shows(/\d{4}-\S+Z +\S+ +\S+ +\S+ +exit 3 +sh/)
    await terminal.press('Escape')
    await terminal.shows(/NAME +STATE .*/)
    await terminal.type('/past')
    await terminal.shows(/1 of 2 locks, with past, by name .*/)
    await terminal.press('Enter')
    await terminal.type('s')
    await terminal.shows(/1 of 2 locks, with past, by held longest .*/)
    holder.kill('SIGTERM')
    await Promise.all([holder.ends(), waiter.ends()])
    await terminal.press('Escape')
    await terminal.shows(/2 locks, by held longest .*/)
    await terminal.shows(/live\S*…? +free .*\d+s ok/)
    await terminal.type('q')
    await isRestored(terminal, 0)
  })

  test('fits itself to a terminal that changes its size', async () => {
    const name = uniqueName('a-name-that-does-not-fit-into-few-columns')
    const holder = startLocker([name, 'sleep', '60'])
    await holds(name)
    const terminal = await watching(name)
    await terminal.shows(/a-name-that\S*… +held .*/)
    await terminal.resize(160, 40)
    await terminal.shows(new RegExp(`${name} +held .*`))
    await terminal.resize(60, 10)
    await terminal.shows(/a-name\S*… +held .*/)
    expect((await terminal.screen()).split('\n')).toHaveLength(10)
    await terminal.type('q')
    await terminal.prompts(0)
    holder.kill('SIGTERM')
    await holder.ends()
  })

  test.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGINT', 130],
  ] as const)('leaves the terminal as it was when %s ends it', async (signal, status) => {
    const terminal = await watching(uniqueName('none'), 'echo $$ >shell')
    const shell = readFileSync(join(terminal.dir, 'shell'), 'utf8').trim()
    const children = readFileSync(`/proc/${shell}/task/${shell}/children`, 'utf8').trim().split(' ').map(Number)
    expect(children).toHaveLength(1)
    process.kill(children[0] as number, signal)
    await isRestored(terminal, status)
  })

  test('ends by Ctrl-C, and can be stopped and go on', async () => {
    const name = uniqueName('stopped')
    const terminal = await watching(name)
    await terminal.press('C-z')
    await terminal.stops()
    await terminal.shows(/before/)
    const holder = startLocker([name, 'sleep', '60'])
    await holds(name)
    await terminal.enter('fg')
    await terminal.shows(/stopped\S* +held .*/)
    await terminal.press('C-c')
    await isRestored(terminal, 130)
    holder.kill('SIGTERM')
    await holder.ends()
  })
})

test('a crash gives the terminal back first, and is told of on it', async () => {
  const terminal = await Terminal.open()
  const source = join(import.meta.dirname, '../../src/cli/output/full-screen.ts')
  const program = `
    import { FullScreen } from ${JSON.stringify(source)}
    process.on('uncaughtException', ({ message }) => { console.error('told: ' + message); process.exit(70) })
    const crash = () => { throw new Error('a crash') }
    const screen = new FullScreen({ signal: new AbortController().signal }, crash, () => {}, () => {})
    screen.draw([{ text: 'on the screen' }])`
  writeFileSync(join(terminal.dir, 'crash.mts'), program)
  await terminal.run('echo before')
  await terminal.enter(`${join(import.meta.dirname, '../../scripts/node')} crash.mts`)
  await terminal.shows(/on the screen/)
  await terminal.type('x')
  await terminal.shows(/told: a crash/)
  await isRestored(terminal, 70)
})

describe('locks --watch elsewhere', () => {
  test.each(['a pipe', 'a terminal that has no screen'])('prints a line for each change into %s', async (where) => {
    const name = uniqueName('lines')
    const holder = startLocker([name, 'sleep', '60'])
    await holds(name)
    const held = new RegExp(`\\d{4}-\\S+Z ${name}: held by \\S+ \\S+ sleep`)
    const free = new RegExp(`\\d{4}-\\S+Z ${name}: free, last run SIGTERM on \\S+ at \\S+Z`)
    const giveBack = async () => {
      holder.kill('SIGTERM')
      await holder.ends()
    }
    if (where === 'a pipe') {
      const watch = startLocker(['locks', '--watch', name])
      await watch.prints(held)
      await giveBack()
      await watch.prints(free)
      expect(watch.stdout).not.toContain('\u001b')
      watch.kill('SIGTERM')
      expect(await watch.ends()).toMatchObject({ code: 143, stderr: '' })
    } else {
      const terminal = await Terminal.open()
      await terminal.enter(`clear; TERM=dumb $L locks --watch ${name}`)
      await terminal.shows(held)
      await giveBack()
      await terminal.shows(free)
      await terminal.press('C-c')
      await terminal.prompts(130)
    }
  })

  test('prints each lock that changes as JSON', async () => {
    const name = uniqueName('json')
    const watch = startLocker(['locks', '--watch', '--json', name])
    const holder = startLocker([name, 'sleep', '60'])
    const lines = () =>
      watch.stdout
        .trim()
        .split('\n')
        .filter((line) => line !== '')
    const states = () => lines().map((line) => JSON.parse(line).state)
    await patiently(
      () => states().includes('held'),
      () => `it says ${watch.stdout}`,
    )
    holder.kill('SIGTERM')
    await holder.ends()
    await patiently(
      () => states().at(-1) === 'free',
      () => `it says ${watch.stdout}`,
    )
    watch.kill('SIGTERM')
    await watch.ends()
  })
})
