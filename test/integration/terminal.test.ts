import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { patiently, startLocker } from '../kit/locker.ts'
import { runs, stateOf } from '../kit/processes.ts'
import { Terminal } from '../kit/terminal.ts'
import { uniqueName } from '../kit/unique.ts'

const client = new ConsulClient()

/** Says that it runs, and lasts until a signal ends it; no shell, for bash would ignore QUIT. */
const LASTS = 'echo $$ >pid; echo ready; exec sleep 60'
/**
 * Says that it runs, and goes on until there is a line in the pipe `go`. Without starting anything: a Ctrl-Z between
 * vfork and exec leaves dash neither stopped nor running.
 */
const GOES_ON = 'exec 4<>go; echo $$ >pid; echo ready; until read -r _ <&4; do :; done'
/** The same, but it writes INTs down. */
const COUNTS = `trap 'echo INT >>signals' INT; ${GOES_ON}`

interface Stage {
  readonly terminal: Terminal
  readonly name: string
  /** The command's process. */
  pid(): number
  /** The runner's. */
  runner(): Promise<number>
  /** Ctrl-Z stops both; fg has the command go on. */
  stopsAndGoesOn(): Promise<void>
  /** Whether nothing of the lock is left. */
  released(): Promise<void>
}

/** A terminal in whose directory there are executable shell scripts. */
async function stage(scripts: Record<string, string>, shebang = '#!/bin/sh'): Promise<Stage> {
  const terminal = await Terminal.open()
  const name = uniqueName('terminal')
  execFileSync('mkfifo', [join(terminal.dir, 'go')])
  for (const [file, script] of Object.entries(scripts)) {
    writeFileSync(join(terminal.dir, file), `${shebang}\n${script.replaceAll('NAME', name)}\n`)
    chmodSync(join(terminal.dir, file), 0o755)
  }
  const pid = () => Number(readFileSync(join(terminal.dir, 'pid'), 'utf8'))
  const runner = async () => JSON.parse(await client.value(`consul-locker-${name}`)).pid
  return {
    terminal,
    name,
    pid,
    runner,
    async stopsAndGoesOn() {
      await terminal.press('C-z')
      await terminal.stops()
      await stopped(pid(), await runner())
      await terminal.enter('fg')
      await patiently(
        () => stateOf(pid()) !== 'T',
        () => 'it is still stopped',
      )
    },
    released: async () => expect(await client.remains(name)).toEqual([]),
  }
}

async function stopped(...pids: number[]): Promise<void> {
  const states = () => pids.map(stateOf).join('')
  await patiently(
    () => /^T+$/.test(states()),
    () => `not all are stopped: ${states()}`,
  )
}

function linesOf(terminal: Terminal, file: string): string[] {
  const path = join(terminal.dir, file)
  return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : []
}

describe('Ctrl-C', () => {
  test('ends a command that dies of it: 130, and the lock is free', async () => {
    const { terminal, name, released } = await stage({ lasts: LASTS })
    await terminal.enter(`$L ${name} ./lasts`)
    await terminal.shows(/ready/)
    await terminal.press('C-c')
    await terminal.prompts(130)
    await released()
  })

  test('reaches a command that handles it exactly once, and the run goes on', async () => {
    const { terminal, name, pid, released } = await stage({ counts: COUNTS })
    await terminal.enter(`$L ${name} ./counts`)
    await terminal.shows(/ready/)
    await terminal.press('C-c')
    await patiently(
      () => linesOf(terminal, 'signals').length > 0,
      () => 'no INT came',
    )
    process.kill(pid(), 'SIGTERM')
    await terminal.prompts(143)
    expect(linesOf(terminal, 'signals')).toEqual(['INT'])
    await released()
  })

  test('ends a waiter: 130, no session of its own is left, and the key is as it was', async () => {
    const { terminal, name } = await stage({})
    const holder = startLocker([name, 'sleep', '60'])
    await client.holder(`consul-locker-${name}`)
    const before = await client.entry(`consul-locker-${name}`)
    await terminal.enter(`$L ${name} true`)
    await terminal.shows(/consul-locker: waiting for .*/)
    await terminal.press('C-c')
    await terminal.prompts(130)
    expect(await client.entry(`consul-locker-${name}`)).toEqual(before)
    expect(await client.sessions(name)).toHaveLength(1)
    holder.kill('SIGTERM')
    await holder.ends()
  })

  test.for(['/bin/sh', '/bin/bash'])(
    'ends a script of %s with its command, instead of going on with it',
    async (shell) => {
      const script = '"$L" NAME ./lasts; echo went on'
      const { terminal, released } = await stage({ lasts: LASTS, script }, `#!${shell}`)
      await terminal.enter('./script')
      await terminal.shows(/ready/)
      await terminal.press('C-c')
      await terminal.prompts(130)
      expect(await terminal.screen()).not.toContain('went on')
      await released()
    },
  )

  test('ends a script whose turn has not come', async () => {
    const { terminal, name } = await stage({ script: '"$L" NAME true; echo went on' }, '#!/bin/bash')
    const holder = startLocker([name, 'sleep', '60'])
    await client.holder(`consul-locker-${name}`)
    await terminal.enter('./script')
    await terminal.shows(/consul-locker: waiting for .*/)
    await terminal.press('C-c')
    await terminal.prompts(130)
    expect(await terminal.screen()).not.toContain('went on')
    holder.kill('SIGTERM')
    await holder.ends()
  })
})

test('Ctrl-\\ ends a command that dies of it: 131, and the lock is free', async () => {
  const { terminal, name, released } = await stage({ lasts: `ulimit -c 0; ${LASTS}` })
  await terminal.enter(`$L ${name} ./lasts`)
  await terminal.shows(/ready/)
  await terminal.press('C-\\')
  await terminal.prompts(131)
  await released()
})

describe('Ctrl-Z', () => {
  test('stops command and runner, and fg continues both, in the foreground', async () => {
    const { terminal, name, pid, runner, released } = await stage({ counts: COUNTS })
    await terminal.enter(`$L ${name} ./counts`)
    await terminal.shows(/ready/)
    for (const round of [1, 2]) {
      await terminal.press('C-z')
      await terminal.stops()
      await terminal.shows(/\[1\]\+ +Stopped .*/)
      await stopped(pid(), await runner())
      await terminal.enter('fg')
      await patiently(
        () => stateOf(pid()) !== 'T',
        () => 'it is still stopped',
      )
      await terminal.press('C-c')
      await patiently(
        () => linesOf(terminal, 'signals').length === round,
        () => `no INT came in round ${round}`,
      )
    }
    process.kill(pid(), 'SIGTERM')
    await terminal.prompts(143)
    await released()
  })

  test('and bg: it goes on behind the shell, which keeps its terminal when it ends', async () => {
    const { terminal, name, pid, released } = await stage({ lasts: `${GOES_ON}; exit 5` })
    await terminal.enter(`$L ${name} ./lasts`)
    await terminal.shows(/ready/)
    await terminal.press('C-z')
    await terminal.stops()
    await terminal.run('bg')
    await patiently(
      () => stateOf(pid()) !== 'T',
      () => 'it is still stopped',
    )
    await terminal.run('echo >go')
    await terminal.enter('wait %1')
    await terminal.prompts(5)
    await terminal.run('tty')
    await released()
  })

  test('and bg: a command that reads the terminal is stopped, and fg lets it read', async () => {
    const { terminal, name, pid, runner, released } = await stage({
      reads: `${GOES_ON}; echo "got $(head -n 1)"`,
    })
    await terminal.enter(`$L ${name} ./reads`)
    await terminal.shows(/ready/)
    await terminal.press('C-z')
    await terminal.stops()
    await terminal.run('bg')
    await terminal.run('echo >go')
    await stopped(pid(), await runner())
    await terminal.enter('fg')
    await patiently(
      () => stateOf(pid()) === 'S',
      () => `it is ${stateOf(pid())}`,
    )
    await terminal.enter('this')
    await terminal.shows(/got this/)
    await terminal.prompts(0)
    await released()
  })

  test('stops a waiter, and fg lets it wait on', async () => {
    const { terminal, name } = await stage({})
    const holder = startLocker([name, 'sleep', '60'])
    await client.holder(`consul-locker-${name}`)
    await terminal.enter(`$L ${name} echo mine`)
    await terminal.shows(/consul-locker: waiting for .*/)
    await terminal.press('C-z')
    await terminal.stops()
    await terminal.enter('fg')
    holder.kill('SIGTERM')
    await terminal.shows(/mine/)
    await terminal.prompts(0)
    await holder.ends()
  })

  test('does nothing where nobody could continue us: under ssh -t, in a container', async () => {
    const { terminal, name, runner } = await stage({
      reads: 'echo $$ >pid; echo ready; read -r word; echo "got $word"',
      login: '"$L" NAME ./reads; echo "ended with $?"; sleep 60',
    })
    await terminal.enter('exec ./login')
    await terminal.shows(/ready/)
    await terminal.press('C-z')
    await terminal.enter('this')
    await terminal.shows(/got \W*this/)
    await terminal.shows(/ended with 0/)
    expect(await client.remains(name)).toEqual([])
    await expect(runner()).rejects.toThrow()
  })
})

describe('a command on a terminal', () => {
  test('has it as its controlling terminal: size, reading, /dev/tty', async () => {
    const { terminal, name, released } = await stage({
      asks: 'stty size; read -r one; read -r two </dev/tty; echo "$one and $two" >/dev/tty; exit 7',
    })
    await terminal.enter(`$L ${name} ./asks`)
    await terminal.shows(/24 80/)
    await terminal.enter('this')
    await terminal.enter('that')
    await terminal.shows(/this and that/)
    await terminal.prompts(7)
    await released()
  })

  test('may be a shell with jobs of its own', async () => {
    const { terminal, name, pid, released } = await stage({ lasts: LASTS })
    await terminal.enter(`$L ${name} env PS1='inner $?> ' bash --norc --noprofile -i`)
    await terminal.shows(/inner 0>/)
    await terminal.enter('./lasts')
    await terminal.shows(/ready/)
    await terminal.press('C-z')
    await terminal.shows(/\[1\]\+ +Stopped +\.\/lasts/)
    await terminal.enter('fg')
    await patiently(
      () => stateOf(pid()) !== 'T',
      () => 'it is still stopped',
    )
    await terminal.press('C-c')
    await terminal.shows(/inner 130>/)
    await terminal.enter('exit 9')
    await terminal.prompts(9)
    await released()
  })

  test('may be a pager', async () => {
    const { terminal, name, released } = await stage({})
    writeFileSync(join(terminal.dir, 'text'), Array.from({ length: 100 }, (_, n) => `line ${n}\n`).join(''))
    await terminal.enter(`$L ${name} less text`)
    await terminal.shows(/line 22/)
    await terminal.press('Space')
    await terminal.shows(/line 45/)
    await terminal.press('q')
    await terminal.prompts(0)
    await released()
  })

  test('has its words and its environment untouched, even variables that a shell would drop', async () => {
    const { terminal, name } = await stage({})
    const odd = `'odd.name=a b' 'BASH_FUNC_f%%=() { :; }' OLDPWD=/nowhere SHLVL=7 PWD=/wrong _=x`
    await terminal.run(`env ${odd} env -0 >outer`)
    await terminal.run(`env ${odd} $L ${name} env -0 >inner`)
    const variables = (file: string) =>
      readFileSync(join(terminal.dir, file), 'utf8')
        .split('\0')
        .filter((entry) => !/^CONSUL_LOCK/.test(entry))
        .sort()
    expect(variables('inner')).toEqual(variables('outer'))
    const words = ['', 'a b', '"q"', "it's", '-n', '--', '$HOME', '*', 'x=y', 'ü']
    const quoted = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
    await terminal.run(`$L ${name} printf '%s\\0' ${quoted} >words`)
    expect(readFileSync(join(terminal.dir, 'words'), 'utf8').split('\0').slice(0, -1)).toEqual(words)
  })

  test('that was killed in raw mode leaves the terminal usable', async () => {
    const { terminal, name, pid, released } = await stage({ raw: `stty raw -echo; ${LASTS}` })
    await terminal.run('stty -a >before')
    await terminal.enter(`$L ${name} ./raw`)
    await terminal.shows(/ready/)
    process.kill(pid(), 'SIGKILL')
    await terminal.shows(/ *\[137\]>/)
    await terminal.run('stty -a >after')
    expect(linesOf(terminal, 'after')).toEqual(linesOf(terminal, 'before'))
    await released()
  })

  test('whose lock is lost is stopped, and the shell has its terminal back', async () => {
    const { terminal, name } = await stage({ lasts: LASTS })
    await terminal.enter(`$L ${name} ./lasts`)
    await terminal.shows(/ready/)
    await client.destroySession(await client.holder(`consul-locker-${name}`))
    await terminal.prompts(6)
    await terminal.run('tty')
  })

  test('is told of a TERM to the runner', async () => {
    const { terminal, name, runner, released } = await stage({
      counts: `trap 'echo got TERM; exit 4' TERM; ${GOES_ON}`,
    })
    await terminal.enter(`$L ${name} ./counts`)
    await terminal.shows(/ready/)
    process.kill(await runner(), 'SIGTERM')
    await terminal.shows(/got TERM/)
    await terminal.prompts(4)
    await released()
  })

  test('dies with a runner that is killed, and the shell is not logged out', async () => {
    const { terminal, name, pid, runner, released } = await stage({ lasts: LASTS })
    await terminal.enter(`$L ${name} ./lasts`)
    await terminal.shows(/ready/)
    process.kill(await runner(), 'SIGKILL')
    await terminal.prompts(137)
    await patiently(
      () => !runs(pid()),
      () => 'the command lives on',
    )
    await patiently(
      async () => (await client.remains(name)).length === 0,
      () => 'the lock was not given back',
    )
    await terminal.run('tty')
    await released()
  })
})

describe('in a pipeline', () => {
  test('Ctrl-C ends a command that reads from it', async () => {
    const { terminal, name, released } = await stage({ lasts: `cat; ${LASTS}` })
    await terminal.enter(`echo piped | $L ${name} ./lasts`)
    await terminal.shows(/piped/)
    await terminal.shows(/ready/)
    await terminal.press('C-c')
    await terminal.prompts(130)
    await released()
  })

  test('Ctrl-Z and fg work for a command that reads from it', async () => {
    const { terminal, name, released, stopsAndGoesOn } = await stage({ lasts: LASTS })
    await terminal.enter(`echo piped | $L ${name} ./lasts`)
    await terminal.shows(/ready/)
    await stopsAndGoesOn()
    await terminal.press('C-c')
    await terminal.prompts(130)
    await released()
  })

  test('Ctrl-Z and Ctrl-C reach all of one that a command writes to', async () => {
    const { terminal, name, pid, runner, released } = await stage({ lasts: LASTS, copies: 'echo $$ >copier; cat' })
    await terminal.enter(`$L ${name} ./lasts | ./copies`)
    await terminal.shows(/ready/)
    const copier = Number(linesOf(terminal, 'copier')[0])
    await terminal.press('C-z')
    await terminal.stops()
    await stopped(pid(), await runner(), copier)
    await terminal.enter('fg')
    await patiently(
      () => stateOf(pid()) !== 'T',
      () => 'it is still stopped',
    )
    await terminal.press('C-c')
    await terminal.prompts(130)
    await patiently(
      () => !runs(copier),
      () => 'the rest of the pipeline lives on',
    )
    await released()
  })
})

describe.each([
  ['input from a pipe', 'echo piped |', ''],
  ['input from nowhere', '', '</dev/null'],
  ['output to a file', '', '>out'],
  ['error to a file', '', '2>errors'],
  ['all three', 'echo piped |', '>out 2>errors'],
  ['all three from and to nowhere', '', '</dev/null >/dev/null 2>&1'],
])('with its standard %s', (_, before, after) => {
  const asks = 'printf "password: " >/dev/tty; read -r word </dev/tty; echo "got $word." >/dev/tty'

  test('a command asks its question on the terminal', async () => {
    const { terminal, name, released } = await stage({ asks })
    await terminal.enter(`${before} $L ${name} ./asks ${after}`.trim())
    await terminal.shows(/password:/)
    await terminal.enter('secret')
    await terminal.shows(/got secret\./)
    await terminal.prompts(0)
    expect(await terminal.screen()).not.toContain('stty')
    await released()
  })

  test('Ctrl-Z, fg and Ctrl-C work', async () => {
    const lasts = 'echo $$ >pid; echo ready >/dev/tty; exec sleep 60'
    const { terminal, name, released, stopsAndGoesOn } = await stage({ lasts })
    await terminal.enter(`${before} $L ${name} ./lasts ${after}`.trim())
    await terminal.shows(/ready/)
    await stopsAndGoesOn()
    await terminal.press('C-c')
    await terminal.prompts(130)
    expect(await terminal.screen()).not.toContain('stty')
    await released()
  })
})

test('a script goes on beside a command that it started in the background, and keeps its terminal', async () => {
  const script = '"$L" NAME ./lasts & read -r word; echo "read $word."; kill $!; wait'
  const { terminal, pid, released } = await stage({ lasts: LASTS, script })
  await terminal.enter('./script')
  await terminal.shows(/ready/)
  await terminal.enter('on')
  await terminal.shows(/read on\./)
  await terminal.prompts(0)
  expect(runs(pid())).toBe(false)
  await released()
})

test('started in the background, a command runs there to its end', async () => {
  const { terminal, name, released } = await stage({
    ends: `${GOES_ON}; exit 3`,
  })
  await terminal.enter(`$L ${name} ./ends &`)
  await terminal.shows(/.*ready/)
  await terminal.press('Enter')
  await terminal.run('jobs')
  expect(await terminal.screen()).toMatch(/Running/)
  await terminal.run('echo >go')
  await terminal.enter('wait %1')
  await terminal.prompts(3)
  await released()
})
