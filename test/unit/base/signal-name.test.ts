import { expect, test } from 'vitest'
import { endingSignal } from '../../../src/base/signal-name.ts'

test.each([
  ['TERM', 'SIGTERM'],
  ['SIGUSR1', 'SIGUSR1'],
  ['hup', 'SIGHUP'],
  ['sigint', 'SIGINT'],
  ['9', 'SIGKILL'],
  ['WINCH', 'SIGWINCH'],
  ['STOP', undefined],
  ['TSTP', undefined],
  ['CONT', undefined],
  ['19', undefined],
  ['0', undefined],
  ['', undefined],
  ['SIG', undefined],
  ['SIGSIGTERM', undefined],
  ['USR3', undefined],
  ['toString', undefined],
])('%s, as a signal that ends a command, is %s', (word, signal) => expect(endingSignal(word)).toBe(signal))
