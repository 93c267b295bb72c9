/** One timer; `slot` is its place in the heap, -1 when it isn't in there. */
export interface Timer {
  readonly atMs: number
  readonly order: number
  readonly wake: () => void
  slot: number
}

/** Timers with the earliest on top; among those of one instant, the one set first. A binary heap. */
export class TimerHeap {
  readonly #heap: Timer[] = []

  get size(): number {
    return this.#heap.length
  }

  first(): Timer | undefined {
    return this.#heap[0]
  }

  add(timer: Timer): void {
    this.#heap.push(timer)
    this.#rise(timer, this.#heap.length - 1)
  }

  /** Takes a timer out; one that isn't in there is no error. */
  remove(timer: Timer): void {
    const { slot } = timer
    if (slot < 0) return
    timer.slot = -1
    const last = this.#heap.pop()
    if (last === undefined || last === timer) return
    const parent = this.#heap[(slot - 1) >> 1]
    if (slot > 0 && parent && isBefore(last, parent)) this.#rise(last, slot)
    else this.#sink(last, slot)
  }

  #rise(timer: Timer, from: number): void {
    let slot = from
    while (slot > 0) {
      const above = (slot - 1) >> 1
      const parent = this.#heap[above] as Timer
      if (!isBefore(timer, parent)) break
      this.#place(parent, slot)
      slot = above
    }
    this.#place(timer, slot)
  }

  #sink(timer: Timer, from: number): void {
    let slot = from
    for (;;) {
      const left = this.#heap[2 * slot + 1]
      const right = this.#heap[2 * slot + 2]
      const child = right && left && isBefore(right, left) ? right : left
      if (!child || !isBefore(child, timer)) break
      const below = child.slot
      this.#place(child, slot)
      slot = below
    }
    this.#place(timer, slot)
  }

  #place(timer: Timer, slot: number): void {
    this.#heap[slot] = timer
    timer.slot = slot
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}
