/** A word of the command line that is no option, or the value of one: for completions. */
export interface Operand {
  /** Words of ours that may stand there, and what each does in a few words. */
  readonly words?: Readonly<Record<string, string>>
  /** What else may stand there. */
  readonly kind?: OperandKind
  /** Whether more like it may follow. */
  readonly isRepeated?: boolean
}

/** A `command` is one of the user's, and all words behind it are its own; `ours` is a command of ours. */
export type OperandKind = 'lock' | 'leader' | 'service' | 'file' | 'folder' | 'gate' | 'signal' | 'command' | 'ours'
