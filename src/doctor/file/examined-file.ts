import type { Failure } from '../../base/failure.ts'
import type { Timing } from '../../lock/lease-timing.ts'

/** What a configuration file is for. */
export type FileKind = 'leader' | 'init' | 'rollout'

/** Something that a file names and that must be on this machine. `look` throws a `Failure` when it isn't. */
export interface NamedProgram {
  readonly key: string
  look(): void
}

/** What a mode with this file needs, but for rights. */
export interface FileNeeds {
  readonly programs: readonly NamedProgram[]
  /** A service of this node, and the key where its roles stand. */
  readonly cluster: { readonly service: string; readonly key: string } | undefined
  readonly timing: Pick<Timing, 'ttlMs' | 'renewMs'>
}

/** A file with what it needs, ACL rules among that (`<node>` stands for the node's name); or what is wrong with it. */
export interface ExaminedFile {
  readonly path: string
  readonly kind: FileKind
  readonly outcome: (FileNeeds & { readonly rules: readonly string[] }) | Failure
}
