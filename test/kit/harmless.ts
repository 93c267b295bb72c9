import { expect } from 'vitest'
import type { Ended } from './locker.ts'

/**
 * Sets a title, clears the screen, forges a line of ours, colours by a C1 control, turns the direction, breaks lines.
 */
export const EVIL = 'x\x1b]0;owned\x07\x1b[2J\r\nconsul-locker: error: forged\x9b31m\u202egnp\u2028\x85\x7f'

/** What a terminal or a reader of lines would obey; the line break that ends each of our lines is fine. */
export const OBEYED = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

export function expectHarmless({ stdout, stderr }: Pick<Ended, 'stdout' | 'stderr'>): void {
  expect(stdout).not.toMatch(OBEYED)
  expect(stderr).not.toMatch(OBEYED)
  expect(`${stdout}\n${stderr}`).not.toMatch(/^consul-locker: error: forged/m)
}
