/** What a reader has around him who pastes a page's commands, and what comes of those that don't just end with 0. */
export interface Story {
  /**
   * Which Consul listens at its default port: `consul-locker dev`, `consul agent -dev`, or none. The first by default.
   */
  readonly consul?: 'dev' | 'agent' | 'none'
  /** It takes long, or much of the machine: its test is a slow one. */
  readonly slow?: boolean
  /** Programs that Debian's packages have, each with its package's name. */
  readonly programs?: Readonly<Record<string, string>>
  /** Commands of the reader's own, on the PATH and in the folder: each says its name. */
  readonly own?: readonly string[]
  /** Lines for the shell that bring about what the page takes for granted. */
  readonly world?: string
  /** By their beginnings, the commands that are pasted otherwise. All others are run to their end, which is 0. */
  readonly pastes?: Readonly<Record<string, Paste>>
  /** By its beginning, each text that a page shows, and lines for the shell that print it there. */
  readonly shows?: Readonly<Record<string, string>>
  /** By their beginnings, commands that another test takes from the page, and that test. */
  readonly elsewhere?: Readonly<Record<string, string>>
  /** By their beginnings, commands that no test runs, or texts that nothing prints, and why. */
  readonly never?: Readonly<Record<string, string>>
}

/** How a command is pasted, and what is to come of it. */
export interface Paste {
  /** Its exit code, where it isn't 0. */
  readonly code?: number
  /** What is to be seen of it. */
  readonly prints?: RegExp
  /** It goes on: what it says on standard error when it is up. It is ended by TERM. */
  readonly serves?: RegExp
  /** It is ended with the page, and not before the next command. */
  readonly stays?: boolean
  /** Lines of ours for the shell before it, and after it, or while it serves. All of them must succeed. */
  readonly before?: string
  readonly after?: string
  /** What is typed on a terminal. */
  readonly types?: string
  /** It is pasted inside of a run. */
  readonly inside?: boolean
}

/** The entry whose key is the beginning of this text, the longest one of several. */
export function entryOf<T>(table: Readonly<Record<string, T>> | undefined, text: string): T | undefined {
  const [found] = Object.entries(table ?? {})
    .filter(([beginning]) => text.startsWith(beginning))
    .sort(([a], [b]) => b.length - a.length)
  return found?.[1]
}
