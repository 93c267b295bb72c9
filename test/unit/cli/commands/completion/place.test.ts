import { describe, expect, test } from 'vitest'
import { GATE_KINDS } from '../../../../../src/cli/commands/completion/known-words.ts'
import { type Place, placeAmong } from '../../../../../src/cli/commands/completion/place.ts'
import { isCommandWord, SYNTAXES } from '../../../../../src/cli/syntax-table.ts'
import { parseGate } from '../../../../../src/gate/gate-grammar.ts'

/** Where the last word of a line stands; each begins with a command's word. */
async function place(line: string): Promise<Place> {
  const [word = '', ...words] = line.split(' ')
  return placeAmong(isCommandWord(word) ? await SYNTAXES[word]() : await SYNTAXES.run(), words, 1)
}

const kindsOf = (place: Place) => place.kind === 'operand' && place.operands.map(({ kind, words }) => kind ?? words)

describe('the user’s own command begins', () => {
  test.each([
    ['run backup ', 2],
    ['run backup /usr/bin/en', 2],
    ['run -n --wait 90s backup rsync -a', 5],
    ['run -w 90s backup rsync --wa', 4],
    ['run -- backup --n', 3],
    ['run --wait=90s -nq backup ', 4],
    ['explain --ttl 30s backup ', 4],
    ['crontab --schedule @daily -n backup ', 5],
    ['wait service:db -- ', 3],
    ['dev -- npm te', 2],
    ['hosts --label es --watch -- ', 5],
  ])('in "%s" with word %i', async (line, at) => {
    expect(await place(line)).toEqual({ kind: 'command', at })
  })
})

describe('what is expected', () => {
  test.each([
    ['run ', ['lock']],
    ['run -n ba', ['lock']],
    ['run --wait 90s ', ['lock']],
    ['run --require-healthy ', ['lock']],
    ['run --also ', ['lock']],
    ['run --also=ba', ['lock']],
    ['run --report-file ', ['file']],
    ['run --ca-path /et', ['folder']],
    ['run --gate ser', ['gate']],
    ['run --gate a --timeout-signal ', ['signal']],
    ['run -E ', []],
    ['run -nE ', []],
    ['run -E3 ', ['lock']],
    ['run --log-format ', [{ json: '', text: '' }]],
    ['leader status ', ['leader']],
    ['leader --json status --watch ', ['leader']],
    ['hold --for 30m ', ['lock']],
    ['hold deploy ', []],
    ['wait ', ['gate']],
    ['wait service:db ', ['gate']],
    ['wait service:db --once kv:', ['gate']],
    ['check -f /etc/init.d/web ', [expect.objectContaining({ crontab: expect.any(String) })]],
    ['verify ', []],
    ['help ', ['ours']],
    ['unlock --holder web1 ', ['lock']],
    ['monitor --nonsense ', []],
    ['hosts --label ', ['service']],
    ['monitor --label=e', ['service']],
    ['check -S ', ['service']],
    ['promote --get w', ['service']],
  ])('in "%s" is %j', async (line, kinds) => {
    expect(kindsOf(await place(line))).toEqual(kinds)
  })

  test('of a value that stands in the option’s own word keeps what is before it', async () => {
    expect(await place('run --log-format=js')).toMatchObject({ before: '--log-format=', beginning: 'js' })
  })

  test('knows how Consul is to be reached by the options on the line', async () => {
    const { given } = (await place('status --http-addr a:1 --token-file=/t ba')) as Place & { kind: 'operand' }
    expect([...given]).toEqual([
      ['http-addr', 'a:1'],
      ['token-file', '/t'],
    ])
  })
})

describe('the options that may still come', () => {
  const options = async (line: string) => {
    const found = await place(line)
    return found.kind === 'option' ? Object.keys(found.options) : []
  }

  test('are without those that are there, and those that contradict one', async () => {
    const left = await options('run --no-wait --gate a --slots 3 --')
    expect(left).toEqual(expect.arrayContaining(['gate', 'ttl', 'key']))
    expect(left.filter((name) => ['no-wait', 'wait', 'slots', 'shared', 'also', 'once-per'].includes(name))).toEqual([])
  })

  test('are those of a run where a run is told of', async () => {
    expect(await options('unit --')).toEqual(expect.arrayContaining(['on-calendar', 'no-wait', 'ttl']))
  })

  test('are none behind the lock of a run', async () => {
    expect(await options('run backup --')).toEqual([])
  })
})

test.each(Object.keys(GATE_KINDS))('%s begins a gate', (kind) => {
  expect(() => parseGate(`${kind}db:1`)).not.toThrow(/is no gate/)
})
