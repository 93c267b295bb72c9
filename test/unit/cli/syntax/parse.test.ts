import { describe, expect, test } from 'vitest'
import { Failure } from '../../../../src/base/failure.ts'
import { HOLD_SYNTAX } from '../../../../src/cli/commands/hold/syntax.ts'
import { RUN_SYNTAX } from '../../../../src/cli/commands/run/syntax.ts'
import { UNLOCK_SYNTAX } from '../../../../src/cli/commands/unlock/syntax.ts'
import { blaming, wordsOf } from '../../../../src/cli/syntax/environment-words.ts'
import { HelpWanted, parse, sort, sortAnywhere } from '../../../../src/cli/syntax/parse.ts'
import { UnknownOption } from '../../../../src/cli/syntax/parser.ts'

const sortRun = (words: string[], environment: NodeJS.ProcessEnv = {}) => {
  const { given, words: others } = sort(RUN_SYNTAX, words, wordsOf(RUN_SYNTAX.options, environment))
  return { given, words: others }
}

describe("a run's words", () => {
  test.each<[string[], Record<string, unknown>, string[]]>([
    [['name', 'cmd'], {}, ['name', 'cmd']],
    [['--no-wait', 'name', 'cmd'], { 'no-wait': true }, ['name', 'cmd']],
    [['--wait', '5s', 'name', 'cmd'], { wait: '5s' }, ['name', 'cmd']],
    [['--wait=5s', 'name', 'cmd'], { wait: '5s' }, ['name', 'cmd']],
    [['-E', '7', 'name', 'cmd'], { 'conflict-exit-code': '7' }, ['name', 'cmd']],
    [['-E7', 'name', 'cmd'], { 'conflict-exit-code': '7' }, ['name', 'cmd']],
    [['-n', 'name', 'cmd'], { 'no-wait': true }, ['name', 'cmd']],
    [['-w', '5', 'name', 'cmd'], { wait: '5' }, ['name', 'cmd']],
    [['-w5', '-E', '3', 'name', '-c', 'a; b'], { wait: '5', 'conflict-exit-code': '3' }, ['name', '-c', 'a; b']],
    [['-V'], { version: true }, []],
    [['--', '--'], {}, ['--']],
    [['--', '-n', 'cmd'], {}, ['-n', 'cmd']],
    [['-qE', '7', 'name'], { quiet: true, 'conflict-exit-code': '7' }, ['name']],
    [['--', 'name', 'cmd'], {}, ['name', 'cmd']],
    [['--quiet', '--', '--odd-name', 'cmd'], { quiet: true }, ['--odd-name', 'cmd']],
    [['name', '--', 'cmd'], {}, ['name', '--', 'cmd']],
    [['name', 'cmd', '--no-wait', '-E', '--', '-h'], {}, ['name', 'cmd', '--no-wait', '-E', '--', '-h']],
    [['name', '--wait', '5s'], {}, ['name', '--wait', '5s']],
    [['name', 'cmd', '', ' ', '0x10', '1e3', '007'], {}, ['name', 'cmd', '', ' ', '0x10', '1e3', '007']],
    [['123', '456'], {}, ['123', '456']],
    [['', 'cmd'], {}, ['', 'cmd']],
    [['--wait', '1', '--wait', '2', 'name'], { wait: '2' }, ['name']],
    [['--token', '0012', 'name'], { token: '0012' }, ['name']],
    [['--token=a=b', 'name'], { token: 'a=b' }, ['name']],
    [['--key=', 'name'], { key: '' }, ['name']],
    [['--datacenter', 'dc.1', 'name'], { datacenter: 'dc.1' }, ['name']],
    [['--gate', 'file:/a b', 'name', 'cmd'], { gate: ['file:/a b'] }, ['name', 'cmd']],
    [['--gate=kv:x=y', '-q', '--gate', 'cmd:-x', 'name'], { gate: ['kv:x=y', 'cmd:-x'], quiet: true }, ['name']],
    [['--no-wait=1', '-q=T', 'name'], { 'no-wait': true, quiet: true }, ['name']],
    [['--no-wait=0', '-qs=f', 'name'], { 'no-wait': false, quiet: true, shared: false }, ['name']],
    [['--no-wait', '--no-wait=false', 'name'], { 'no-wait': false }, ['name']],
    [['--no-wait=false', '--wait', '5', 'name'], { 'no-wait': false, wait: '5' }, ['name']],
    [['-w90s', '-qE75', 'name'], { wait: '90s', quiet: true, 'conflict-exit-code': '75' }, ['name']],
    [['-q=true', 'true', 'cmd', '--no-wait=maybe'], { quiet: true }, ['true', 'cmd', '--no-wait=maybe']],
    [['-q', '-q', '--no-wait', '--no-wait', 'name'], { quiet: true, 'no-wait': true }, ['name']],
    [[], {}, []],
  ])('%j', (words, options, rest) => {
    expect(sortRun(words)).toEqual({ given: options, words: rest })
  })

  test.each([
    [['--nope'], 'there is no option --nope'],
    [['-x'], 'there is no option -x'],
    [['--waitt', '5s', 'name'], 'there is no option --waitt'],
    [['-nx', 'name'], 'there is no option -x'],
    [['-n5', 'name'], 'there is no option -5'],
    [['-5s', 'name'], 'there is no option -5'],
    [['--__proto__', 'name'], 'there is no option --__proto__'],
    [['--a, b', 'name'], 'there is no option --a, b'],
    [['--_', 'name'], 'there is no option --_'],
    [['--x', 'name'], 'there is no option --x'],
    [['-💥', 'name'], 'there is no option -💥'],
    [['--$0=1', 'name'], 'there is no option --$0'],
    [['---', 'name'], 'there is no option'],
    [['--wait'], '--wait has no value'],
    [['-E'], '-E has no value'],
    [['-qE'], '-E has no value'],
    [['--wait', '--no-wait', 'name'], '--wait has no value'],
    [['--log-format', 'xml', 'name'], '--log-format "xml" is neither text nor json'],
    [['--wait', '5', '--no-wait', 'name'], '--no-wait and --wait are two wishes'],
    [['-n', '-w', '5', 'name'], '--no-wait and --wait are two wishes'],
    [['--gate'], '--gate has no value'],
    [['--gate', '--no-wait', 'name'], '--gate has no value'],
  ])('%j are refused', (words, sentence) => {
    const failure = expect.objectContaining({ code: 'usage', message: expect.stringContaining(sentence) })
    expect(() => sortRun(words)).toThrow(failure)
  })

  test.each(['maybe', 'yes', 'on', '2', ''])('a yes or no with the value %j is refused', (value) => {
    const failure = (form: string) =>
      expect.objectContaining({
        code: 'usage',
        message: `${form} ${JSON.stringify(value)} is neither true nor false`,
        hint: `write ${form}, ${form}=true or ${form}=false`,
      })
    expect(() => sortRun([`--no-wait=${value}`, 'name'])).toThrow(failure('--no-wait'))
    expect(() => sortRun([`-n=${value}`, 'name'])).toThrow(failure('-n'))
  })

  test.each([
    ['--no-wait', 'true'],
    ['-n', 'false'],
    ['-qn', 'true'],
  ])('%s %s is refused, for the word could be a name or a value', (option, word) => {
    expect(() => sortRun([option, word, 'name', 'cmd'])).toThrow(`${option} takes ${word} only behind an equals sign`)
    expect(sortRun([option, '--', word, 'cmd']).words).toEqual([word, 'cmd'])
  })

  test('what is amiss with an option points to the help of its command', () => {
    const syntax = { ...RUN_SYNTAX, usage: 'consul-locker locks [options]' }
    expect(() => sort(syntax, ['--nope'], [])).toThrow(
      expect.objectContaining({ hint: 'see consul-locker locks --help' }),
    )
  })

  test.each([
    ['no-wiat', 'no-wait'],
    ['wiat', 'wait'],
    ['lockdelay', 'lock-delay'],
    ['http-adr', 'http-addr'],
    ['Token', 'token'],
    ['timeout', 'wait'],
    ['nonblock', 'no-wait'],
    ['nb', 'no-wait'],
    ['no-no-wait', 'no-wait=false'],
    ['no-quiet', 'quiet=false'],
  ])('an unknown option --%s is answered with --%s', async (unknown, known) => {
    const failure = new UnknownOption(unknown, RUN_SYNTAX)
    expect((await failure.withNearest()).hint).toContain(`did you mean --${known}?`)
  })
})

test.each([
  [['-h'], false],
  [['-h', 'name'], false],
  [['-q', '-h', '--version'], false],
  [['--help'], true],
  [['-h', '--help'], true],
])('%j ask for help, the whole of it: %s', (words, isWhole) => {
  const wanted = () => sortRun(words)
  expect(wanted).toThrow(HelpWanted)
  expect(wanted).toThrow(expect.objectContaining({ syntax: RUN_SYNTAX, isWhole }))
})

test.each(['x', 'c', 'N', 's', 'e', 'timeouts-of-all', 'command', 'pass', 'verbose', 'close', 'fork', 'unlock'])(
  'an unknown option %s is answered with no guess, for none is good',
  async (unknown) => {
    const failure = new UnknownOption(unknown, RUN_SYNTAX)
    expect((await failure.withNearest()).hint).toBe('see consul-locker --help')
  },
)

test.each(['-http-addr=127.0.0.1:8500', '-token=x', '-wait'])('%s, with one dash, is refused and told', (word) => {
  const failure = expect.objectContaining({ code: 'usage', hint: expect.stringContaining('has two dashes') })
  expect(() => sortRun(['-q', word, 'name', 'cmd'])).toThrow(failure)
  expect(sortRun(['name', word]).words).toEqual(['name', word])
})

describe('options in the environment', () => {
  test.each<[NodeJS.ProcessEnv, Record<string, unknown>]>([
    [
      { CONSUL_LOCKER_WAIT: '5s', CONSUL_LOCKER_HTTP_ADDR: 'x:1' },
      { wait: '5s', 'http-addr': 'x:1' },
    ],
    [{ CONSUL_LOCKER_NO_WAIT: 'true' }, { 'no-wait': true }],
    [
      { CONSUL_LOCKER_NO_WAIT: '1', CONSUL_LOCKER_QUIET: 'T' },
      { 'no-wait': true, quiet: true },
    ],
    [{ CONSUL_LOCKER_NO_WAIT: 'false', CONSUL_LOCKER_QUIET: '0' }, {}],
    [{ CONSUL_LOCKER_WAIT: '', CONSUL_LOCKER_NO_WAIT: '' }, {}],
    [{ CONSUL_LOCKER_TOKEN: '--no-wait' }, { token: '--no-wait' }],
    [{ CONSUL_LOCKER_TOKEN: 'a b=c' }, { token: 'a b=c' }],
    [{ CONSUL_LOCKER_GATE: 'cmd:test -s x, y\n\n service:db\n' }, { gate: ['cmd:test -s x, y', 'service:db'] }],
    [{ CONSUL_LOCKER_GATE: '\n' }, {}],
    [{ CONSUL_LOCKER_KEY: 'k' }, { key: 'k' }],
    [{ CONSUL_LOCKER_KEY: 'k', CONSUL_LOCKER_RUN_ID: 'r' }, {}],
    [{ CONSUL_LOCKER_VERSION: '1.2', CONSUL_LOCKER_HELP: '1' }, {}],
    [{ CONSUL_LOCKER_NAME: 'n', CONSUL_LOCKER_FENCE: '5', CONSUL_LOCKER_SESSION: 's' }, {}],
  ])('%j', (environment, options) => {
    expect(sortRun(['name', 'cmd'], environment)).toEqual({ given: options, words: ['name', 'cmd'] })
  })

  test('give way to those of the command line', () => {
    expect(sortRun(['--wait', '1s', 'name'], { CONSUL_LOCKER_WAIT: '2s' }).given.wait).toBe('1s')
  })

  test('give way as a whole to those of the command line that may be repeated', () => {
    const environment = { CONSUL_LOCKER_GATE: 'file:a\nfile:b' }
    expect(sortRun(['--gate', 'file:c', 'name'], environment).given.gate).toEqual(['file:c'])
  })

  test.each([
    [{ CONSUL_LOCKER_NO_WAIT: 'true' }, ['--wait', '1s'], { wait: '1s' }],
    [{ CONSUL_LOCKER_WAIT: '1s' }, ['--no-wait'], { 'no-wait': true }],
    [{ CONSUL_LOCKER_WAIT: '1s' }, ['--no-wait=0'], { wait: '1s', 'no-wait': false }],
    [{ CONSUL_LOCKER_WAIT: '1s', CONSUL_LOCKER_QUIET: '1' }, ['-n'], { 'no-wait': true, quiet: true }],
  ])('%j give way to %j, which says the opposite', (environment, words, options) => {
    expect(sortRun([...words, 'name'], environment).given).toEqual(options)
  })

  test('that contradict each other are refused', () => {
    const environment = { CONSUL_LOCKER_NO_WAIT: 'true', CONSUL_LOCKER_WAIT: '1s' }
    expect(() => sortRun(['name'], environment)).toThrow('CONSUL_LOCKER_NO_WAIT and CONSUL_LOCKER_WAIT are two wishes')
  })

  test('are known from those of the command line', () => {
    const environment = { CONSUL_LOCKER_WAIT: '2s', CONSUL_LOCKER_TTL: '20s', CONSUL_LOCKER_QUIET: '0' }
    expect(parse(RUN_SYNTAX, ['--wait', '1s', 'name'], environment).inherited).toEqual(['ttl'])
    expect(parse(RUN_SYNTAX, ['name'], {}).inherited).toEqual([])
  })

  test('and are none of the choices are refused by their variable', () => {
    expect(() => sortRun(['name'], { CONSUL_LOCKER_LOG_FORMAT: 'xml' })).toThrow(
      'CONSUL_LOCKER_LOG_FORMAT "xml" is neither text nor json',
    )
  })

  test('blame a variable for what it gives, and an option for what that gives', async () => {
    const failing = (code: 'usage' | 'config') => async () => {
      throw new Failure(code, '--wait "foo" is not a duration, nor --ttl "x", nor --wait-group', { hint: '--wait' })
    }
    await expect(blaming(['wait'], failing('usage'))).rejects.toMatchObject({
      message: 'CONSUL_LOCKER_WAIT "foo" is not a duration, nor --ttl "x", nor --wait-group',
      hint: '--wait',
    })
    await expect(blaming([], failing('usage'))).rejects.toThrow('--wait "foo" is')
    await expect(blaming(['wait'], failing('config'))).rejects.toThrow('--wait "foo" is')
    expect(await blaming(['wait'], async () => 5)).toBe(5)
  })

  test('with neither yes nor no are refused', () => {
    expect(() => sortRun(['name'], { CONSUL_LOCKER_NO_WAIT: 'yes' })).toThrow(
      'CONSUL_LOCKER_NO_WAIT is "yes", which is neither true nor false',
    )
  })
})

describe('options anywhere', () => {
  const sorted = (words: string[], environment: NodeJS.ProcessEnv = {}) => sortAnywhere(HOLD_SYNTAX, words, environment)

  test('that mean nothing without another need it, wherever it stands', () => {
    const unlock = (...words: string[]) => sortAnywhere(UNLOCK_SYNTAX, words, {})
    expect(() => unlock('name', '--timeout', '5s')).toThrow('--timeout means nothing without --yield')
    expect(() => unlock('name', '--timeout', '5s', '--yield=false')).toThrow('means nothing')
    expect(unlock('--timeout', '5s', 'name', '--yield').given).toEqual({ timeout: '5s', yield: true })
  })

  test('contradict each other wherever they stand', () => {
    expect(() => sorted(['-n', 'name', '--wait', '5'])).toThrow('--no-wait and --wait are two wishes')
  })

  test.each([
    [['name', '--also', 'b'], { CONSUL_LOCKER_ALSO: 'a' }, { also: ['b'] }, []],
    [['name', '-n'], { CONSUL_LOCKER_WAIT: '5' }, { 'no-wait': true }, []],
    [
      ['name', '--wait', '1'],
      { CONSUL_LOCKER_WAIT: '5', CONSUL_LOCKER_TTL: '20s' },
      { wait: '1', ttl: '20s' },
      ['ttl'],
    ],
  ])('behind the name, too, come before the environment: %j and %j', (words, environment, given, inherited) => {
    expect(sorted(words, environment)).toEqual({ given, words: ['name'], inherited, command: undefined })
  })
})
