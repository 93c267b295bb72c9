import { join } from 'node:path'
import { expect, test } from 'vitest'
import { program, unpackPackage } from '../../scripts/provide/debian.ts'
import { COMMAND_WORDS } from '../../src/cli/command-table.ts'
import { runLocker } from '../kit/locker.ts'
import { execute, files, linesOf } from '../kit/manual-pages.ts'
import { Terminal } from '../kit/terminal.ts'

test('there is a page for the whole, and one for each command', () => {
  const pages = ['', ...COMMAND_WORDS.map((word) => `-${word}`)].map((name) => `consul-locker${name}.1`)
  expect(files.map((file) => file.split('/').at(-1)).sort()).toEqual(pages.sort())
})

test('mandoc finds nothing to warn of, not even of style, and makes lines of 80 columns', async () => {
  const mandoc = join(await unpackPackage({ package: 'mandoc' }), 'usr/bin/mandoc')
  const linted = await execute(mandoc, ['-T', 'lint', '-W', 'all', ...files])
  expect(linted).toMatchObject({ stdout: '', stderr: '' })
  const { stdout } = await execute(mandoc, ['-T', 'utf8', '-O', 'width=78', ...files], { maxBuffer: 10 ** 8 })
  const lines = linesOf(stdout)
  expect(lines.length).toBeGreaterThan(1000)
  expect(lines.filter((line) => [...line].length > 80)).toEqual([])
})

test('help shows the page of a command, and without one that of the whole', async () => {
  const run = await runLocker(['help', 'run'])
  expect(run).toMatchObject({ code: 0, stderr: '' })
  expect(run.stdout).toMatch(/^NAME\n {7}consul-locker-run - run a command on exactly one machine at a time\n/)
  expect(run.stdout).toMatch(/^ {7}-w, --wait TIME\n {15}give up after this time/m)
  const whole = await runLocker(['help'])
  expect(whole.stdout).toMatch(/^COMMANDS\n {7}run {5}Run a command/m)
})

test('help knows no page of what is no command', async () => {
  expect(await runLocker(['help', 'nonsense'])).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('there is no command "nonsense"'),
  })
  expect(await runLocker(['help', '--all', 'run'])).toMatchObject({ code: 2, stdout: '' })
})

test('on a terminal the page goes through the pager, whose end is the command’s', async () => {
  const terminal = await Terminal.open({ env: { PAGER: "sed -n '1,2s/^/paged: /p'" } })
  await terminal.run('$L help run')
  await terminal.shows(/paged: NAME/)
  await terminal.shows(/paged: {8}consul-locker-run - .*/)
})

test('without a locale, less shows what is no ASCII as it stands', async () => {
  const less = await program('less', 'less')
  const terminal = await Terminal.open({ env: { PAGER: less.path } })
  await terminal.enter('$L help run')
  await terminal.shows(/ {7}consul-locker \[options\] <name> <command> \[args…\]/)
  await terminal.press('q')
  await terminal.prompts(0)
})

test('with a pager that isn’t there, the page is printed', async () => {
  const terminal = await Terminal.open({ env: { PAGER: 'no-such-pager' } })
  await terminal.run('$L help verify')
  await terminal.shows(/SEE ALSO/)
})

test('Ctrl-C is the pager’s, which goes on, and Ctrl-Z stops both', async () => {
  const terminal = await Terminal.open({
    env: {
      PAGER: `bash -c 'trap "echo interrupted" INT; echo reads; while ! read -r -t 1 line </dev/tty; do :; done'`,
    },
  })
  await terminal.enter('$L help verify')
  await terminal.shows(/reads/)
  await terminal.press('C-c')
  await terminal.shows(/.*interrupted/)
  await terminal.press('C-z')
  await terminal.stops()
  await terminal.enter('fg')
  await terminal.press('Enter')
  await terminal.prompts(0)
})
