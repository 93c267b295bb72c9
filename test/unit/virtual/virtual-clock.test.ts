import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../virtual/virtual-clock.ts'

describe('a virtual clock', () => {
  test('fires timers in the order of their instants, and those of one instant in the order they were set', async () => {
    const clock = new VirtualClock()
    const fired: string[] = []
    for (const [name, ms] of Object.entries({ c: 30, a: 10, b1: 20, b2: 20 })) {
      clock.after(ms, () => fired.push(`${name}@${clock.nowMs}`))
    }
    await clock.advance(25)
    expect(fired).toEqual(['a@10', 'b1@20', 'b2@20'])
    expect(clock.nowMs).toBe(25)
    await clock.advance(5)
    expect(fired.at(-1)).toBe('c@30')
  })

  test('lets all that follows from a timer happen before the next one', async () => {
    const clock = new VirtualClock()
    const seen: string[] = []
    clock.after(1, async () => {
      for (let step = 0; step < 100; step++) await undefined
      seen.push('deep')
      clock.after(1, () => seen.push('set by it'))
    })
    clock.after(3, () => seen.push('later'))
    await clock.advance(3)
    expect(seen).toEqual(['deep', 'set by it', 'later'])
  })

  test('keeps order among thousands of timers, set and cancelled at random', async () => {
    const clock = new VirtualClock()
    const fired: number[] = []
    const cancels: (() => void)[] = []
    let seed = 7
    const random = () => {
      seed = (seed * 16_807) % 2_147_483_647
      return seed / 2_147_483_647
    }
    for (let set = 0; set < 5000; set++) {
      const ms = Math.floor(random() * 1000)
      cancels.push(clock.after(ms, () => fired.push(clock.nowMs)))
      if (random() < 0.4) cancels[Math.floor(random() * cancels.length)]?.()
    }
    const left = clock.pending
    await clock.advance(1000)
    expect(fired).toHaveLength(left)
    expect(fired).toEqual([...fired].sort((a, b) => a - b))
    expect(clock.pending).toBe(0)
  })

  test('runs from timer to timer until the work is done', async () => {
    const clock = new VirtualClock()
    const pause = (ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve))
    const work = async () => {
      for (let hour = 0; hour < 24; hour++) await pause(3_600_000)
      return 'done'
    }
    expect(await clock.run(work())).toBe('done')
    expect(clock.nowMs).toBe(86_400_000)
  })

  test('says so when the work can never end, or takes too long', async () => {
    const clock = new VirtualClock()
    await expect(clock.run(new Promise(() => {}))).rejects.toThrow('nothing is left to wait for')
    const tick = (): unknown => clock.after(1000, tick)
    tick()
    await expect(clock.run(new Promise(() => {}), 60_000)).rejects.toThrow('not ended within 60000 ms')
  })

  test('has a wall that goes with it', () => {
    const clock = new VirtualClock(1000)
    expect(clock.now()).toEqual({ monotonicMs: 0, bootMs: 0, wallMs: 1000 })
  })
})
