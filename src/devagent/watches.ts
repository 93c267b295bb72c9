/** What a blocked read waits for: one thing, or all that begins alike. */
export interface Topic {
  readonly name: string
  readonly prefix: boolean
}

type Wake = () => void

/** Who waits for what. */
export class Watches {
  readonly #exact = new Map<string, Set<Wake>>()
  readonly #prefixes = new Map<string, Set<Wake>>()
  #longest = 0

  /** Calls `wake` at each change of the topic, until the returned function is called. */
  add(topic: Topic, wake: Wake): () => void {
    const map = topic.prefix ? this.#prefixes : this.#exact
    const { name } = topic
    if (topic.prefix) this.#longest = Math.max(this.#longest, name.length)
    const wakes = map.get(name)
    if (wakes) wakes.add(wake)
    else map.set(name, new Set([wake]))
    return () => {
      const wakes = map.get(name)
      if (wakes?.delete(wake) && wakes.size === 0) map.delete(name)
    }
  }

  /** Something of this name changed. */
  changed(name: string): void {
    call(this.#exact.get(name))
    if (this.#prefixes.size === 0) return
    const most = Math.min(name.length, this.#longest)
    for (let length = 0; length <= most; length++) call(this.#prefixes.get(name.slice(0, length)))
  }
}

function call(wakes: Set<Wake> | undefined): void {
  if (wakes) for (const wake of wakes) wake()
}
