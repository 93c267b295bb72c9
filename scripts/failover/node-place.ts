import { chmodSync, chownSync } from 'node:fs'
import { join } from 'node:path'

/** Where a node is, and whom it finds there. */
export interface NodePlace {
  readonly name: string
  readonly dir: string
  /** The loopback address that all of it is on. */
  readonly address: string
  /** The application's port, the same on all nodes. */
  readonly port: number
  /** The keeper's port, the same on all nodes. */
  readonly apiPort: number
  /** `http://host:port`, where the keeper finds Consul: a proxy that can be broken. */
  readonly consul: string
  /** The address of the node that has the data in the beginning. */
  readonly first: string
}

/** Has what runs there as somebody else find its folder, and write into it. */
export function giveTo({ uid, gid }: { readonly uid: number; readonly gid: number }, dir: string): void {
  // The lab's own directory is for its owner only.
  chmodSync(join(dir, '..'), 0o755)
  chownSync(dir, uid, gid)
}
