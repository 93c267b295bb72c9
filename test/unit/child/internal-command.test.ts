import { describe, expect, test } from 'vitest'
import {
  asInternal,
  INTERNAL_COMMANDS,
  inheritanceIn,
  internalOutput,
  internalRelease,
  isReleased,
  takeInternalCommand,
} from '../../../src/child/internal-command.ts'

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

  test('that gives something back says what, and of whom', () => {
    const { release, environment } = internalRelease('semaphore', ['a', 'b'], { A: '1' })
    expect(release).toEqual([process.execPath, ':release', 'semaphore', 'a', 'b'])
    expect(isReleased(release[2])).toBe(true)
    expect(takeInternalCommand(release[1], environment)).toBe(':release')
    expect(environment).toEqual({ A: '1' })
  })

  test('that gives back what we don’t know is none of ours', () => {
    expect(isReleased('everything')).toBe(false)
    expect(isReleased(undefined)).toBe(false)
  })

  test('that carries on with an output finds what it was told', () => {
    const { words, environment } = internalOutput({ A: '1' }, { tag: 'one' })
    expect(words).toEqual([process.execPath, ':output'])
    expect(inheritanceIn(environment)).toEqual({ tag: 'one' })
    expect(takeInternalCommand(words[1], environment)).toBe(':output')
    expect(inheritanceIn({})).toBeNull()
  })
})
