import assert from 'node:assert'

/**
 * The slots 1 to `limit` that are free, lowest first. After a limit was lowered, holders of slots above it go on, and
 * count: only so many of the lower slots are open that all together are never more than the limit. Nobody takes a slot
 * above the limit any more, so what is open here stays safe to take however late the claim comes.
 */
export function freeSlots(limit: number, held: readonly number[]): number[] {
  let open = limit
  while (open > 0 && open + above(open, held) > limit) open -= 1
  const free: number[] = []
  for (let slot = 1; slot <= open; slot++) if (!held.includes(slot)) free.push(slot)
  assert(free.length + held.length <= Math.max(limit, held.length), 'never more than the limit are in')
  return free
}

function above(slot: number, held: readonly number[]): number {
  return held.filter((other) => other > slot).length
}

/** The number of the slot that a key stands for; `undefined` for a key of another kind. */
export function slotNumber(folder: string, key: string): number | undefined {
  const rest = key.startsWith(`${folder}/`) ? key.slice(folder.length + 1) : ''
  return /^[1-9]\d{0,5}$/.test(rest) ? Number(rest) : undefined
}
