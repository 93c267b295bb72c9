const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
type Unit = keyof typeof UNIT_MS

const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g

/**
 * Milliseconds in a duration as people write it: `90s`, `1.5h`, `2m30s`, or plain seconds (`90`, `0.5`).
 * `undefined` when it is none.
 */
export function parseDuration(text: string): number | undefined {
  if (/^\d+(?:\.\d+)?$/.test(text)) return Math.round(Number(text) * UNIT_MS.s)
  if (!WHOLE.test(text)) return undefined
  let ms = 0
  for (const [, amount, unit] of text.matchAll(PART)) ms += Number(amount) * UNIT_MS[unit as Unit]
  return Math.round(ms)
}

/** A duration for people, two units at most: `4m12s`, `2h3m`, `15s`, `1.5s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`
  if (ms < 60_000) return `${Math.floor(ms / 100) / 10}s`
  const units: [Unit, Unit] = ms < UNIT_MS.h ? ['m', 's'] : ms < UNIT_MS.d ? ['h', 'm'] : ['d', 'h']
  const large = Math.floor(ms / UNIT_MS[units[0]])
  const small = Math.floor((ms % UNIT_MS[units[0]]) / UNIT_MS[units[1]])
  return small === 0 ? `${large}${units[0]}` : `${large}${units[0]}${small}${units[1]}`
}
