import { describe, expect, test } from 'vitest'
import { asInternal, INTERNAL_COMMANDS, takeInternalCommand } from '../../../src/child/internal-command.ts'

describe('an internal command', () => {
  test.each(INTERNAL_COMMANDS)('%s is taken from those whom our own processes called, once', (command) => {
    const environment = asInternal(command, { A: '1' })
    expect(takeInternalCommand(command, environment)).toBe(command)
    expect(environment).toEqual({ A: '1' })
    expect(takeInternalCommand(command, environment)).toBeUndefined()
  })

  test.each(INTERNAL_COMMANDS)('is not taken from a mere word, or another one: %s', (command) => {
    expect(takeInternalCommand(command, {})).toBeUndefined()
    for (const other of ['name', undefined, ...INTERNAL_COMMANDS.filter((other) => other !== command)]) {
      const environment = asInternal(command, {})
      expect(takeInternalCommand(other, environment)).toBeUndefined()
      expect(environment).toEqual({})
    }
  })
})
