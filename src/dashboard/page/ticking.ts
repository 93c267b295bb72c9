import { useEffect, useState } from 'preact/hooks'

let aheadMs = 0
const listeners = new Set<() => void>()
setInterval(() => {
  for (const listener of listeners) listener()
}, 1000)

/** Ages are by the server's clock: this machine's may be another. */
export function setServerTime(nowMs: number): void {
  aheadMs = nowMs - Date.now()
}

function serverTime(): number {
  return Date.now() + aheadMs
}

/**
 * The time by the server's clock, in steps of so many milliseconds: what uses it is drawn anew only when a step is
 * over.
 */
export function useNow(stepMs = 1000): number {
  const stepped = () => Math.floor(serverTime() / stepMs) * stepMs
  const [now, setNow] = useState(stepped)
  useEffect(() => {
    const tick = () => setNow(stepped())
    tick()
    listeners.add(tick)
    return () => void listeners.delete(tick)
  }, [stepMs])
  return now
}
