import { closeSync, copyFileSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ConsulClient } from '../kit/consul-client.ts'
import { exitsWith, range } from '../kit/exits.ts'
import { runLocker } from '../kit/locker.ts'
import { startProxy } from '../kit/proxy.ts'
import { scratch, uniqueName } from '../kit/unique.ts'

/** Those of shells, of sysexits.h and of ours, and the ends; `test/slow` tries all. */
const SPECIAL = [...range(0, 8), 42, ...range(64, 78), 99, ...range(123, 131), 137, 141, 143, 254, 255]

describe('the exit code', () => {
  test('is the command’s own', async () => {
    const { got, sessions } = await exitsWith(SPECIAL)
    expect(got).toEqual(SPECIAL.map((code) => [code, code, '']))
    expect(sessions).toEqual([])
  })

  test.each(['SIGTERM', 'SIGKILL', 'SIGINT', 'SIGHUP', 'SIGSEGV', 'SIGUSR1', 'SIGPIPE'] as const)(
    'is 128+n when %s killed the command',
    async (signal) => {
      const number = constants.signals[signal]
      const ended = await runLocker([uniqueName('killed'), 'sh', '-c', `ulimit -c 0; kill -${number} $$`])
      expect(ended).toMatchObject({ code: 128 + number, signal: null, stderr: '' })
    },
  )
})

describe('a command that can’t be run', () => {
  test.each([
    ['a name that is nowhere on the PATH', 127, () => 'no-such-command-anywhere'],
    ['a file that is not there', 127, () => './no/such/file'],
    ['an empty word', 127, () => ''],
    ['a file without the right to execute it', 126, plainFile],
    ['a directory', 126, directory],
  ])('is refused before any traffic: %s gives %i', async (_, code, command) => {
    const proxy = await startProxy()
    const word = command()
    const ended = await runLocker([uniqueName('refused'), word], { address: proxy.address })
    expect(ended).toMatchObject({ code, stdout: '' })
    expect(ended.stderr).toMatch(/^consul-locker: error: the command .*\n$/)
    expect(ended.stderr).toContain(word)
    expect(proxy.requests).toEqual([])
  })

  test('is named with its missing interpreter in mind, and leaves nothing', async () => {
    const name = uniqueName('shebang')
    const script = join(scratch(), 'script')
    writeFileSync(script, '#!/no/such/interpreter\n', { mode: 0o755 })
    const ended = await runLocker([name, script])
    expect(ended).toMatchObject({ code: 127, stdout: '' })
    expect(ended.stderr).toContain(script)
    expect(ended.stderr).toContain('interpreter')
    expect(await new ConsulClient().remains(name)).toEqual([])
  })

  test('is named with who writes to its file in mind, and leaves nothing', async () => {
    const name = uniqueName('busy')
    const program = join(scratch(), 'program')
    copyFileSync('/bin/true', program)
    const writer = openSync(program, 'r+')
    onTestFinished(() => closeSync(writer))
    const ended = await runLocker([name, program])
    expect(ended).toMatchObject({ code: 126, stdout: '' })
    expect(ended.stderr).toMatch(/^consul-locker: error: the command .* can't be started: .*somebody writing.*\n$/)
    expect(await new ConsulClient().remains(name)).toEqual([])
  })

  test('is run by the shell when it is a script without a first line, as execvp does', async () => {
    const script = join(scratch(), 'script')
    writeFileSync(script, 'echo ran; exit 9\n', { mode: 0o755 })
    expect(await runLocker([uniqueName('plain'), script])).toMatchObject({ code: 9, stdout: 'ran\n' })
  })
})

function plainFile(): string {
  const file = join(scratch(), 'file')
  writeFileSync(file, 'exit 0\n', { mode: 0o644 })
  return file
}

function directory(): string {
  const dir = join(scratch(), 'directory')
  mkdirSync(dir)
  return dir
}
