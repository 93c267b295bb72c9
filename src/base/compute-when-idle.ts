/**
 * Computes what will be needed: when this process waits for its first answer, or at once when it is asked for sooner.
 * `compute` must not throw.
 */
export function computeWhenIdle<T>(compute: () => T): () => T {
  let computed: { readonly value: T } | undefined
  const get = () => {
    computed ??= { value: compute() }
    return computed.value
  }
  setImmediate(get)
  return get
}
