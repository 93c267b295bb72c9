import { expect, test } from 'vitest'
import { COMMAND_WORDS } from '../../src/cli/command-table.ts'
import { Terminal } from '../kit/terminal.ts'

const COMMANDS = ['', ...COMMAND_WORDS]

test('each short help fits a terminal of 80 columns and 24 lines, prompt and all', async () => {
  const terminal = await Terminal.open()
  for (const word of COMMANDS) {
    await terminal.enter(`clear; $L ${word} -h`)
    await terminal.shows(/Everything else: .*/)
    await terminal.prompts(0)
    expect(await terminal.screen()).toMatch(/^consul-locker /)
  }
})
