import { Failure, messageOf } from '../base/failure.ts'
import { quoted } from '../base/printable.ts'
import { type Pattern, SUCCESS } from '../probe/expectation.ts'
import type { Condition, GateOf } from './gate.ts'

const HINT =
  'http://db/health status=200-299,304 header=X-Role:primary body~regex follow insecure; body comes last, and may have blanks'

/** A URL has no blanks, so its options stand behind one. The body's is the last: it may have blanks itself. */
const PARTS = /^(?<url>\S*)(?<options>.*?)(?:\sbody(?<how>[=~])(?<body>.*))?$/s
const OPTION = /^(?<word>[a-z]+)(?:(?<how>[=~])(?<value>.*))?$/s

type Options = { -readonly [K in 'expected' | 'follows' | 'isInsecure']: GateOf<'http'>[K] }

/** Reads a URL and what its answer must be like. Throws a `usage` failure. */
export function parseUrlGate(text: string): Condition {
  const { url: address = '', options: words = '', how, body } = PARTS.exec(text)?.groups ?? {}
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (!url || !/^https?:[/][/][^/]/.test(address)) throw wrong(`${quoted(text)} is no URL`)
  const options = words
    .split(/\s+/)
    .filter(Boolean)
    .reduce(withOption, {
      expected: { ...SUCCESS, body: body === undefined ? undefined : patternIn(how, body.trim()) },
      follows: false,
      isInsecure: false,
    })
  if (options.isInsecure && url.protocol === 'http:' && !options.follows) {
    throw wrong('without TLS there is no certificate that "insecure" could trust')
  }
  return { kind: 'http', url: url.href, ...options }
}

function withOption(options: Options, text: string): Options {
  const { word, how = '', value = '' } = OPTION.exec(text)?.groups ?? {}
  const { expected } = options
  switch (`${word}${how}`) {
    case 'follow':
      return { ...options, follows: true }
    case 'insecure':
      return { ...options, isInsecure: true }
    case 'status=':
      return { ...options, expected: { ...expected, statuses: value.split(',').map(statusesIn) } }
    case 'header=':
    case 'header~':
      return { ...options, expected: { ...expected, headers: [...expected.headers, headerIn(how, value)] } }
  }
  throw wrong(`${quoted(text)} is no option of a URL`)
}

function statusesIn(text: string): readonly [number, number] {
  const [, from = '', to = from] = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(text) ?? []
  if (from === '' || to < from) throw wrong(`${quoted(text)} is no HTTP status, and no range of them`)
  return [Number(from), Number(to)]
}

function headerIn(how: string, text: string) {
  const [, name = '', value] = /^([\w-]+)(?::(.*))?$/s.exec(text) ?? []
  if (name === '' || value === '' || (how === '~' && value === undefined)) {
    throw wrong(`${quoted(text)} is no header and its value`)
  }
  return { name, pattern: value === undefined ? undefined : patternIn(how, value) }
}

function patternIn(how: string | undefined, text: string): Pattern {
  if (text === '') throw wrong('no value stands behind the equals sign')
  if (how === '=') return text
  try {
    return new RegExp(text)
  } catch (thrown) {
    throw wrong(messageOf(thrown))
  }
}

function wrong(sentence: string): Failure {
  return new Failure('usage', sentence, { hint: HINT })
}
