import type { ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

/** An agent's answer, as it came. */
export interface Answer {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: Buffer
}

/** What can go wrong on the wire between a runner and its agent for a moment. */
export const BRIEF_TROUBLES = [
  'refused',
  'black-hole',
  'cut',
  'drip',
  '500',
  '429',
  '503',
  'truncated',
  'garbage',
] as const

/** What can go wrong for long: all answers come late, or a balancer cuts what takes more than 5 s. */
export const LONG_TROUBLES = ['refused', 'black-hole', 'late-3.5s', 'late-8s', '504-after-5s'] as const

export type Trouble = (typeof BRIEF_TROUBLES)[number] | (typeof LONG_TROUBLES)[number]

/** By how much answers come late, in milliseconds. */
export const LATE_MS: Partial<Record<Trouble, number>> = { 'late-3.5s': 3500, 'late-8s': 8000 }

/** What a balancer says when its patience is over. */
export const CUT: Answer = plain(504, '<html><head><title>504 Gateway Time-out</title></head></html>\n')
export const CUT_AFTER_MS = 5000

/** Troubles that a request meets before the agent sees it; with all others it has its effect, but no good answer. */
export const REFUSALS: Partial<Record<Trouble, Answer>> = {
  500: plain(500, 'No cluster leader'),
  429: plain(429, 'Your IP is issuing too many concurrent connections, please rate limit your calls'),
  503: plain(503, '<html><head><title>503 Service Temporarily Unavailable</title></head></html>\n'),
}

const DRIP_MS = 100

/** Sends an answer as the trouble has it. `isOver` says when the rest may go through at once. */
export async function spoil(trouble: Trouble, response: ServerResponse, answer: Answer, isOver: () => boolean) {
  switch (trouble) {
    case 'refused':
    case 'cut':
      response.destroy()
      return
    case 'truncated':
      writeHead(response, answer, answer.body.length)
      response.write(answer.body.subarray(0, answer.body.length / 2), () => response.destroy())
      return
    case 'drip':
      writeHead(response, answer, answer.body.length)
      for (const byte of answer.body) {
        response.write(Buffer.of(byte))
        if (!isOver()) await delay(DRIP_MS)
        if (response.destroyed) return
      }
      response.end()
      return
    case 'garbage':
      sendGarbage(response, answer)
      return
    default:
      send(response, REFUSALS[trouble] ?? answer)
  }
}

/** Sends an answer as it is. */
export function send(response: ServerResponse, answer: Answer): void {
  writeHead(response, answer, answer.body.length)
  response.end(answer.body)
}

function writeHead(response: ServerResponse, { status, headers }: Answer, length: number): void {
  const { 'transfer-encoding': _, connection: __, ...kept } = headers
  response.writeHead(status, { ...kept, 'content-length': length })
}

/** What other things than Consul say, in turn: the last is not even HTTP. */
const GARBAGE: readonly (string | Buffer | undefined)[] = [
  Buffer.from([0, 255, 254, 8, 13, 10, 0, 195, 40]),
  '<html><body><h1>It works!</h1></body></html>\n',
  'null',
  '{}',
  '',
  '[{}]',
  '"ok"',
  '{"Results":[{}]}',
  '[null]',
  undefined,
]

let turn = 0

function sendGarbage(response: ServerResponse, answer: Answer): void {
  const garbage = GARBAGE[turn++ % GARBAGE.length]
  if (garbage !== undefined) send(response, { ...answer, status: 200, body: Buffer.from(garbage) })
  else response.socket?.end('SSH-2.0-OpenSSH_9.2\r\n')
}

function plain(status: number, text: string): Answer {
  return { status, headers: { 'content-type': 'text/plain' }, body: Buffer.from(text) }
}
