/** The machines that an executable is made for, and what that takes. */
export interface Target {
  readonly arch: NodeJS.Architecture
  /** The pinned Node of that architecture. */
  readonly node: string
  /** The words that start a `strip` for its programs. */
  readonly strip: readonly [string, ...string[]]
  /** The words that stand before a program of it, to run it here: an emulator and its options. */
  readonly through: readonly string[]
}

/** Machines like this one. */
export const HERE: Target = { arch: process.arch, node: process.execPath, strip: ['strip'], through: [] }
