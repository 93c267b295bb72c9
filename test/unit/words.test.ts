import { describe, expect, test } from 'vitest'
import { Failure } from '../../src/base/failure.ts'
import { withHint } from '../../src/cli/command-hint.ts'
import { debugWishes } from '../../src/cli/debug-wishes.ts'
import { ERRANDS, forErrand, takeErrand } from '../../src/cli/errands.ts'
import { jobOf } from '../../src/cli/job.ts'
import { parse } from '../../src/cli/parse.ts'
import { RUN_SYNTAX } from '../../src/cli/run-syntax.ts'
import { adviceOn, strangeVariables } from '../../src/cli/strange-variables.ts'
import { COMMAND_WORDS, kindOfWord } from '../../src/cli/words.ts'

const RESERVED = `completion crontab dashboard dev doctor explain help history hold locks metrics pause release resume
  slots status unit unlock version watch`.split(/\s+/)

test.each([
  ...COMMAND_WORDS.map((word) => [word, 'command'] as const),
  ...RESERVED.map((word) => [word, 'reserved'] as const),
  ...['mongodb', 'Status', 'toString', '', ':release', '--', 'statuses'].map((word) => [word, undefined] as const),
])('the first word %s is %s', (word, kind) => {
  expect(kindOfWord(word)).toBe(kind)
})

test.each<[string | undefined, boolean, boolean]>([
  ...['true', '1', 'yes', 'on', '*', 'requests', 'TRUE'].map((on): [string, boolean, boolean] => [on, true, false]),
  ...[
    undefined,
    '',
    '0',
    'false',
    'no',
    'off',
    'express:*',
    'knex*',
    '-*',
    '2',
    'consul',
    'truely',
    'request',
    ',',
  ].map((off): [string | undefined, boolean, boolean] => [off, false, false]),
  ['timing', false, true],
  ['timing,requests', true, true],
  ['express:*,requests', true, false],
  ['express:* timing', false, true],
  ['0,timing', false, true],
])('DEBUG=%s shows requests: %s, phases: %s', (text, requests, timing) => {
  expect(debugWishes(text)).toEqual({ requests, timing })
})

describe('a variable that is like an option’s', () => {
  const told = (...names: string[]) => {
    return adviceOn(strangeVariables(Object.fromEntries(names.map((name) => [`CONSUL_LOCKER_${name}`, '1']))))
  }

  test.each([
    ['NO_WIAT', 'NO_WAIT'],
    ['NOWAIT', 'NO_WAIT'],
    ['WIAT', 'WAIT'],
    ['LOCKDELAY', 'LOCK_DELAY'],
    ['HTTP_ADDRESS', undefined],
    ['HTTP_ADRR', 'HTTP_ADDR'],
    ['TOKENFILE', 'TOKEN_FILE'],
    ['TIMEOUT', 'WAIT'],
  ])('%s is told of, with %s', async (name, meant) => {
    const sentence = `CONSUL_LOCKER_${name} is no option's variable; did you mean CONSUL_LOCKER_${meant}?`
    expect(await told(name)).toEqual(meant === undefined ? [] : [sentence])
  })

  test('is neither an option’s own nor any of those that our commands have', async () => {
    const ours = `NAME KEY SESSION SESSIONS FENCE NODE ROLE JOB JOB_SHELL GUARDIAN DUTY NOBODY ERRAND FLAG FLAG_VALUE
      FLAG_BEFORE FLAG_SERVICE FLAG_NODE MASTER_HOST MASTER_ADDRESS MASTER_PORT ROLLOUT_VERSION ROLLOUT_HOST
      ROLLOUT_ROLE HOME CONFIG X WAITED_12 TASK_1 RUN_1_2`
    expect(await told(...ours.split(/\s+/))).toEqual([])
    expect(
      await told(...Object.keys(RUN_SYNTAX.options).map((name) => name.toUpperCase().replaceAll('-', '_'))),
    ).toEqual([])
  })

  test('is told of by the outermost run alone', () => {
    expect(strangeVariables({ CONSUL_LOCKER_NO_WIAT: '1', CONSUL_LOCKER_RUN_ID: 'r' })).toEqual([])
  })
})

describe('a command behind the name', () => {
  const command = (...words: string[]) => jobOf(parse(RUN_SYNTAX, words, {}), {}).command

  test.each([
    [
      ['-c', 'a; b'],
      ['/bin/sh', '-c', 'a; b'],
    ],
    [
      ['--command', 'a'],
      ['/bin/sh', '-c', 'a'],
    ],
    [
      ['-c', '-c'],
      ['/bin/sh', '-c', '-c'],
    ],
    [
      ['--', '-c', 'a'],
      ['-c', 'a'],
    ],
    [
      ['--', '--', 'a'],
      ['--', 'a'],
    ],
    [
      ['sh', '-c', 'a', 'b'],
      ['sh', '-c', 'a', 'b'],
    ],
    [['-x'], ['-x']],
  ])('%j is %j', (words, expected) => {
    expect(command('name', ...words)).toEqual(expected)
  })

  test.each([[['-c']], [['-c', 'a', 'b']], [['--command', 'a', 'b']]])('%j is no line for the shell', (words) => {
    expect(() => command('name', ...words)).toThrow(/^(-c|--command) takes one line for the shell$/)
  })

  test.each<[string, string | undefined, string | undefined]>([
    ['--no-wait', 'job', 'options stand before the name: consul-locker --no-wait … job …'],
    ['date; echo hi', 'job', "a line for the shell: consul-locker job -c 'date; echo hi'"],
    ["echo 'hi'", 'job', String.raw`a line for the shell: consul-locker job -c 'echo '\''hi'\'''`],
    ['a|b', undefined, "a line for the shell: sh -c 'a|b'"],
    ['date', 'job', 'the PATH is /bin'],
  ])('%s that is not found is answered with what helps', (first, name, hint) => {
    const failure = new Failure('not-found', 'the command was not found', { hint: 'the PATH is /bin' })
    expect(withHint(failure, [first], name)).toMatchObject({ code: 'not-found', message: failure.message, hint })
  })
})

describe('an errand', () => {
  test.each(ERRANDS)('%s is taken from those whom our own processes sent, once', (errand) => {
    const environment = forErrand(errand, { A: '1' })
    expect(takeErrand(errand, environment)).toBe(errand)
    expect(environment).toEqual({ A: '1' })
    expect(takeErrand(errand, environment)).toBeUndefined()
  })

  test.each(ERRANDS)('is not taken from a mere word, or another one: %s', (errand) => {
    expect(takeErrand(errand, {})).toBeUndefined()
    for (const other of ['name', undefined, ...ERRANDS.filter((other) => other !== errand)]) {
      const environment = forErrand(errand, {})
      expect(takeErrand(other, environment)).toBeUndefined()
      expect(environment).toEqual({})
    }
  })
})
