interface Named {
  readonly name: string
}

/** What a list as `a,b` chooses of `all`, in its order. Throws for a name that none of them has. */
export function chosen<T extends Named>(all: readonly T[], list: string, kind: string): T[] {
  return list.split(',').map((name) => {
    const found = all.find((one) => one.name === name)
    if (!found) throw new Error(`There is no ${kind} ${JSON.stringify(name)}; see --help.`)
    return found
  })
}

/** The list that chooses all. */
export function everyOne(all: readonly Named[]): string {
  return all.map(({ name }) => name).join()
}

/** Their names in lines that fit under `indent` spaces of a usage text. */
export function namesIn(all: readonly Named[], indent: number): string {
  const lines = all
    .map(({ name }) => name)
    .join(' ')
    .replace(/(.{1,60})(?: |$)/g, `${' '.repeat(indent)}$1\n`)
  return lines.trimEnd()
}
