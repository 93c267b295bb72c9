import { describe, expect, test } from 'vitest'
import { onLost } from '../../../../../src/cli/commands/run/on-lost.ts'
import { requestedRun } from '../../../../../src/cli/commands/run/requested-run.ts'
import { RUN_SYNTAX } from '../../../../../src/cli/commands/run/syntax.ts'
import { parse } from '../../../../../src/cli/syntax/parse.ts'

describe('--on-lost', () => {
  test.each([
    [[], 'SIGTERM', []],
    [['term'], 'SIGTERM', []],
    [['USR1'], 'SIGUSR1', []],
    [['KILL'], 'SIGKILL', []],
    [['logger lost'], 'SIGTERM', ['logger lost']],
    [['./page', 'HUP', 'a; b'], 'SIGHUP', ['./page', 'a; b']],
    [['HUP', 'SIGHUP'], 'SIGHUP', []],
  ])('%j sends %s and runs %j', (given, signal, hooks) => {
    expect(onLost({ 'on-lost': given })).toEqual({ signal, hooks })
  })

  test.each([
    [['SIGFOO'], /SIGFOO is no signal/],
    [['STOP'], /STOP is no signal that ends a command/],
    [['99'], /99 is no signal/],
    [['HUP', 'INT'], /two wishes/],
    [[' '], /is empty/],
  ])('%j is refused', (given, sentence) => {
    expect(() => onLost({ 'on-lost': given })).toThrow(sentence)
  })
})

describe('a limit', () => {
  const nobody = () => ({ host: 'here', pid: 1, user: 'somebody' })
  const requested = (...words: string[]) => requestedRun(parse(RUN_SYNTAX, [...words, 'name', 'true'], {}), {}, nobody)

  test.each([
    [['--max-runtime', '2h'], { ms: 7_200_000, signal: 'SIGTERM' }],
    [['--max-runtime', '90', '--timeout-signal', 'int'], { ms: 90_000, signal: 'SIGINT' }],
    [[], undefined],
  ])('of %j is %j', (words, timeLimit) => expect(requested(...words).timeLimit).toEqual(timeLimit))

  test.each([
    [['--max-runtime', '0'], /"0" leaves no time/],
    [['--max-runtime', '-1'], /is not a duration/],
    [['--max-runtime', 'long'], /is not a duration/],
    [['--max-runtime', '1h', '--timeout-signal', 'USR9'], /"USR9" is no signal/],
    [['--timeout-signal', 'INT'], /there is no limit/],
  ])('%j is refused', (words, sentence) => expect(() => requested(...words)).toThrow(sentence))
})
