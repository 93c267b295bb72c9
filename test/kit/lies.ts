import type { Dice } from '../virtual/dice.ts'
import type { Answer } from './liar.ts'

const encoded = (json: string) => JSON.stringify(Buffer.from(json).toString('base64'))

/** JSON that may stand where something else should; `trace` is a file that nobody must make. */
function hostileValues(trace: string): [string, ...string[]] {
  const texts = [
    '',
    'x',
    '-x',
    '--help',
    '\u001b[2J',
    'a\nb',
    'a\r\nb: c',
    '../../..',
    '%2e%2e',
    '\u0000',
    '\ud800',
    '٣',
    '__proto__',
  ]
  const code = [
    `$(touch ${trace})`,
    `;touch ${trace}`,
    `x[$(touch\${IFS}${trace})]`,
    `a\narm 1 0 0\nsession $(touch ${trace})`,
  ]
  const strange = ['null', 'true', '0', '-1', '1.5', '1e308', '9007199254740993', '99999999999999999999999']
  const shapes = ['[]', '{}', '[null]', '[[]]', '{"a":null}', '{"__proto__":{"x":1}}', '{"length":1e9}']
  const long = [JSON.stringify('x'.repeat(100_000)), `${'['.repeat(20_000)}${']'.repeat(20_000)}`]
  const records = ['null', '[]', '{"host":1}', '{"since":{}}', '{"lockDelayMs":2e9}', '{"command":[{}]}', '['].map(
    encoded,
  )
  const all = [...strange, ...shapes, ...long, ...records, ...[...texts, ...code].map((text) => JSON.stringify(text))]
  return all as [string, ...string[]]
}

/** Values, and names of fields. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|true|false|null/g

/** Changes one thing in an answer: a value, a field's name, the whole, its status or its index. */
export function lie(dice: Dice, answer: Answer, trace: string): void {
  const value = dice.pick(hostileValues(trace))
  const tokens = [...answer.body.matchAll(TOKEN)]
  const die = dice.next()
  if (die < 0.7 && tokens.length > 0) {
    const [token] = [tokens[dice.whole(0, tokens.length - 1)] as RegExpExecArray]
    const isName = /^\s*:/.test(answer.body.slice(token.index + token[0].length))
    const instead = isName ? '"Nothing"' : value
    answer.body = answer.body.slice(0, token.index) + instead + answer.body.slice(token.index + token[0].length)
  } else if (die < 0.8) answer.body = value
  else if (die < 0.85) answer.body = answer.body.slice(0, dice.whole(0, answer.body.length))
  else if (die < 0.92) answer.status = dice.pick([200, 204, 301, 400, 403, 404, 409, 418, 429, 500, 503])
  else answer.index = dice.pick([undefined, '', '0', '-1', '1.5', 'x', '1e9', '0x10', '9'.repeat(30)])
}
