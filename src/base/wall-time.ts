const DATED = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(Z|[+-]\d\d:\d\d)?$/
const OF_DAY = /^(\d\d):(\d\d)(?::(\d\d))?$/

/**
 * An instant of the wall clock as people write it, in milliseconds since 1970: `2026-11-30T03:00Z`, with `+01:00` in
 * place of `Z`, or by this machine's time zone without either; `03:00` is the next one, by this machine's time zone.
 * `undefined` when it is none.
 */
export function parseWallTime(text: string, nowMs: number): number | undefined {
  return timeOfDay(text, nowMs) ?? datedTime(text)
}

function datedTime(text: string): number | undefined {
  const [, date, time, zone = ''] = DATED.exec(text) ?? []
  if (date === undefined || time === undefined) return undefined
  const atMs = Date.parse(`${date}T${time}${zone}`)
  // There is no 31st of February, though JavaScript makes the 3rd of March of it.
  const isThere = Number.isFinite(atMs) && new Date(`${date}T00:00Z`).toISOString().startsWith(date)
  return isThere ? atMs : undefined
}

function timeOfDay(text: string, nowMs: number): number | undefined {
  const [, hour, minute, second = '0'] = OF_DAY.exec(text) ?? []
  if (hour === undefined || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined
  const at = new Date(nowMs)
  at.setHours(Number(hour), Number(minute), Number(second), 0)
  if (at.getTime() <= nowMs) at.setDate(at.getDate() + 1)
  return at.getTime()
}
