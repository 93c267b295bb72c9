import type { Database } from '../probe/database-probe.ts'
import type { Expectation } from '../probe/expectation.ts'
import type { Endpoint } from '../probe/port-probe.ts'

/** A condition to wait for. It is open when the condition holds, and shut when it doesn't. */
export type Gate = {
  /** As people wrote it, on one line and without passwords. */
  readonly text: string
  /** It is open when the condition doesn't hold. A Consul that can't be asked keeps it shut all the same. */
  readonly isInverse: boolean
} & (
  | {
      /** Healthy instances of a service of Consul's: all of their checks and all of their nodes' pass. */
      readonly kind: 'service'
      readonly service: string
      readonly tag: string | undefined
      readonly datacenter: string | undefined
      /** So many of them, or more. */
      readonly least: number
    }
  | {
      /** A key of Consul's that has this value; without one, any but the empty. */
      readonly kind: 'kv'
      readonly key: string
      readonly value: string | undefined
    }
  /** Something takes connections there. */
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  /** Something takes connections at this socket. */
  | { readonly kind: 'unix'; readonly path: string }
  /** A database of this kind answers there, and serves. */
  | { readonly kind: Database; readonly at: Endpoint }
  /** A GET of it is answered as expected. */
  | {
      readonly kind: 'http'
      readonly url: string
      readonly expected: Expectation
      readonly follows: boolean
      readonly isInsecure: boolean
    }
  | {
      /** A name that has an address. */
      readonly kind: 'dns'
      readonly name: string
      /** Who is asked, as `host:port`; by default whoever this machine asks, its hosts file included. */
      readonly server: string | undefined
    }
  | { readonly kind: 'file'; readonly path: string }
  /** A command of `/bin/sh` that ends with 0. */
  | { readonly kind: 'cmd'; readonly command: string }
)

/** What a gate is about, whatever people called it. */
export type Condition = Gate extends infer G ? (G extends Gate ? Omit<G, 'text' | 'isInverse'> : never) : never

/** The gates of one kind. */
export type GateOf<Kind extends Gate['kind']> = Extract<Gate, { kind: Kind }>

/** How a gate stands; why one is shut is told to people, as part of a sentence. */
export type GateState = { readonly open: true } | { readonly open: false; readonly why: string }

export const OPEN: GateState = { open: true }

/** How a gate stands whose condition holds or doesn't, for this reason. */
export function gateState({ isInverse }: Pick<Gate, 'isInverse'>, holds: boolean, why: string): GateState {
  return holds === isInverse ? shut(why) : OPEN
}

/** A gate that is shut, and why. */
export function shut(why: string): GateState {
  return { open: false, why }
}
