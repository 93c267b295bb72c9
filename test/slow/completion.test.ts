import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { environmentOf, unpackPackage } from '../../scripts/provide/debian.ts'
import { LINES, PATH, terminalWithFile, types } from '../kit/completing-shells.ts'
import { lockerEnvironment, runLocker } from '../kit/locker.ts'
import type { Terminal } from '../kit/terminal.ts'
import { scratch } from '../kit/unique.ts'

test('bash has bash-completion complete the user’s command, with that command’s own options', async () => {
  const completions = join(await unpackPackage({ package: 'bash-completion' }), 'usr/share/bash-completion')
  const terminal = await terminalWithFile()
  await terminal.run(`source ${completions}/bash_completion; source <(consul-locker completion bash)`)
  await terminal.run('clear')
  for (const line of [
    ['consul-locker --wait=5s x mktemp --dir', 'consul-locker --wait=5s x mktemp --directory'],
    ['consul-locker wait a:b -- mktemp --dir', 'consul-locker wait a:b -- mktemp --directory'],
  ] as const)
    await types(terminal, line)
})

/** An interactive zsh that loads our completions by a line of its .zshrc, behind compinit or by a folder before it. */
async function zsh(source: string, folder: (dir: string) => Promise<void> = async () => {}): Promise<Terminal> {
  const program = join(await unpackPackage({ package: 'zsh-static' }), 'bin/zsh-static')
  const functions = join(await unpackPackage({ package: 'zsh-common' }), 'usr/share/zsh/functions')
  const terminal = await terminalWithFile()
  const own = join(terminal.dir, '.functions')
  mkdirSync(own)
  await folder(own)
  const lines = [
    `fpath=(${own} ${functions} ${functions}/**/*(/N))`,
    'autoload -Uz compinit && compinit -u -D',
    source,
    "PS1='[%?]> '",
    `cd ${terminal.dir}`,
    'clear',
  ]
  writeFileSync(join(terminal.dir, '.zshrc'), `${lines.join('\n')}\n`)
  await terminal.enter(`exec env ZDOTDIR=${terminal.dir} ${program} -d -i`)
  await terminal.prompts(0)
  return terminal
}

test('zsh completes words, options, values, locks, and whatever it completes for the user’s command', async () => {
  const terminal = await zsh('source <(consul-locker completion zsh)')
  for (const line of LINES) await types(terminal, line)
})

test('zsh finds the completions in a folder of its functions, as the packages have them', async () => {
  const terminal = await zsh(':', async (folder) => {
    const { stdout } = await runLocker(['completion', 'zsh'])
    writeFileSync(join(folder, '_consul-locker'), stdout)
  })
  for (const line of LINES.slice(0, 2)) await types(terminal, line)
})

describe('fish', () => {
  test.each(LINES)('makes of "%s" "%s"', async (typed, completed) => {
    const root = await unpackPackage({ package: 'fish' })
    const dir = scratch()
    writeFileSync(join(dir, 'only-one'), '')
    const share = join(root, 'usr/share/fish')
    const script = `set fish_function_path ${share}/functions
set fish_complete_path ${share}/completions
consul-locker completion fish | source
complete -C ${JSON.stringify(typed)}`
    const env = { ...environmentOf(root, lockerEnvironment({ env: { PATH, HOME: dir, LC_ALL: 'C.UTF-8' } })) }
    const { stdout } = await promisify(execFile)(join(root, 'usr/bin/fish'), ['--no-config', '-c', script], {
      env,
      cwd: dir,
    })
    const words = stdout.split('\n').map((line) => line.split('\t')[0])
    expect(words).toContain(completed.split(' ').at(-1))
  })
})
