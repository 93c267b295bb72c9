import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { environmentOf, unpackPackage } from '../../scripts/provide/debian.ts'
import { afterTest } from '../kit/after-test.ts'
import { ConsulClient } from '../kit/consul-client.ts'
import { LOCKER, lockerEnvironment, runLocker } from '../kit/locker.ts'
import { Terminal } from '../kit/terminal.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

/** A lock of which a history stands in Consul, and the beginning of its name, which no other lock's has. */
const LOCK = uniqueName('completion')
const BEGINNING = LOCK.slice(0, -2)
/** A service with the same beginning. */
const SERVICE = `${BEGINNING}-service`
const PATH = [dirname(LOCKER), process.env.PATH].join(delimiter)

/** What is typed before the Tab key, and what stands there then. */
const LINES = [
  ['consul-locker unlo', 'consul-locker unlock'],
  ['consul-locker leader step-', 'consul-locker leader step-down'],
  ['consul-locker --conflict', 'consul-locker --conflict-exit-code'],
  ['consul-locker hold --log-format=js', 'consul-locker hold --log-format=json'],
  ['consul-locker hold --log-format js', 'consul-locker hold --log-format json'],
  ['consul-locker wait --once servi', 'consul-locker wait --once service:'],
  [`consul-locker status ${BEGINNING}`, `consul-locker status ${LOCK}`],
  [`consul-locker hosts --label ${BEGINNING}`, `consul-locker hosts --label ${SERVICE}`],
  [`consul-locker wait service:${BEGINNING}`, `consul-locker wait service:${SERVICE}`],
  [`consul-locker --also=${BEGINNING}`, `consul-locker --also=${LOCK}`],
  ['consul-locker --wait 5s x cat only-o', 'consul-locker --wait 5s x cat only-one'],
  ['consul-locker wait a:b -- cat only-o', 'consul-locker wait a:b -- cat only-one'],
  ['consul-locker x unsha', 'consul-locker x unshare'],
  ['consul-locker --report-file only-o', 'consul-locker --report-file only-one'],
] as const

beforeAll(async () => {
  await promisify(execFile)(LOCKER, [LOCK, 'true'], { env: lockerEnvironment({}) })
  await new ConsulClient().request('PUT', '/agent/service/register', JSON.stringify({ Name: SERVICE }))
})

afterAll(() => new ConsulClient().request('PUT', `/agent/service/deregister/${SERVICE}`))

/** Types each line at a shell's prompt, and sees what the Tab key makes of it. */
async function types(terminal: Terminal, [typed, completed]: readonly [string, string]): Promise<void> {
  await terminal.type(typed)
  await terminal.press('Tab')
  await terminal.shows(new RegExp(`\\[0\\]> ${completed}`))
  await terminal.press('C-u')
  await terminal.shows(/\[0\]>/)
}

async function terminalWithFile(): Promise<Terminal> {
  const terminal = await Terminal.open({ env: { PATH } })
  writeFileSync(join(terminal.dir, 'only-one'), '')
  return terminal
}

test('bash completes words, options, values, locks, and whatever it completes for the user’s command', async () => {
  const terminal = await terminalWithFile()
  await terminal.run('source <(consul-locker completion bash)')
  await terminal.run('clear')
  for (const line of LINES) await types(terminal, line)
})

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

describe('without a Consul that answers, names are none, and nothing is said', () => {
  const asked = ['completion', 'candidates', '--', 'status', '']
  const NONE = { code: 0, stdout: 'nothing\n', stderr: '' }

  test('where nobody listens', async () => {
    expect(await runLocker(asked, { address: '127.0.0.1:1' })).toMatchObject(NONE)
  })

  test('where somebody listens who never answers', async () => {
    const server = createServer(() => {})
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    afterTest(() => void server.close())
    const { port } = server.address() as { port: number }
    expect(await runLocker(asked, { address: `127.0.0.1:${port}` })).toMatchObject(NONE)
  })

  test('with settings that are wrong', async () => {
    expect(await runLocker(asked, { env: { CONSUL_HTTP_TOKEN_FILE: '/nowhere' } })).toMatchObject(NONE)
    expect(await runLocker([...asked.slice(0, -1), '--http-addr', 'nonsense://', ''])).toMatchObject(NONE)
  })
})

test('names of locks come from the Consul that the options on the line name', async () => {
  const words = ['completion', 'candidates', '--', 'status', '--http-addr', inject('consulAddress'), BEGINNING]
  const { stdout } = await runLocker(words, { address: '127.0.0.1:1' })
  expect(stdout).toBe(`nothing\n${LOCK}\ta lock\n`)
})

test('there are none for other shells', async () => {
  expect(await runLocker(['completion', 'tcsh'])).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('bash, zsh, fish'),
  })
})
