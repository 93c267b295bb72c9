import type { Dice } from '../virtual/dice.ts'
import { strangeReply, type TransportFault, type WireFate } from '../virtual/faulty-transport.ts'
import type { PlannedMachine, WireFault } from './schedule.ts'

/** An answer that comes after a renewal's attempt is over, and after an agent has waited for a leader. */
const LATE_MS = { late: 3500, 'very-late': 8000 } as const

const FAULTS: Record<Exclude<WireFault['kind'], 'slow' | keyof typeof LATE_MS>, TransportFault> = {
  refused: { kind: 'refused' },
  'black-hole': { kind: 'black-hole' },
  cut: { kind: 'cut' },
  'reply-lost': { kind: 'reply-lost' },
  'error-500': { kind: 'answered', reply: strangeReply(500, 'rpc error making call: EOF') },
  'limited-429': { kind: 'answered', reply: strangeReply(429, 'Your IP is issuing too many concurrent connections') },
  'overloaded-503': { kind: 'answered', reply: strangeReply(503, '<html>Service Unavailable</html>') },
  garbage: { kind: 'masked', reply: strangeReply(200, '<html>welcome</html>') },
  truncated: { kind: 'masked', reply: strangeReply(200, '{"Results": [{"KV":') },
  'masked-500': { kind: 'masked', reply: strangeReply(500, 'rpc error making call: EOF') },
}

/** What happens on a machine's wire to a request that is sent now. */
export function fateAt(machine: PlannedMachine, nowMs: number, dice: Dice): WireFate {
  const outMs = dice.between(0.1, 3)
  const backMs = dice.chance(0.02) ? dice.between(100, 2000) : dice.between(0.1, 3)
  const fault = machine.wire.find(({ fromMs, toMs }) => nowMs >= fromMs && nowMs < toMs)?.kind
  if (fault === undefined) return { outMs, backMs }
  if (fault === 'slow') return { outMs: dice.between(0, 2500), backMs: dice.between(0, 2500) }
  if (fault === 'late' || fault === 'very-late') return { outMs, backMs: LATE_MS[fault] }
  return { outMs, backMs, fault: FAULTS[fault] }
}
