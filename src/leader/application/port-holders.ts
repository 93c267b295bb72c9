import { lookup } from 'node:dns/promises'
import { filesOf, type OwnProcess, processIds, processOf, readProc } from './own-process.ts'
import { canonical, type TcpSocket, tcpSockets } from './tcp-sockets.ts'

/** A process, and what it runs. */
export interface PortHolder extends OwnProcess {
  /** What the process calls itself. */
  readonly program: string
}

/** Who serves at a port of this machine. */
export interface PortHolders {
  /** The processes that have a socket there: listening, or of a client. */
  readonly processes: readonly PortHolder[]
  /** There is a socket of a process that we may not look into; `uid` is that of its user. */
  readonly hidden: { readonly uid: number } | undefined
}

const ANY = ['0.0.0.0', '::']

/**
 * Finds the processes that serve at a port, whatever a pid file says: at one of these hosts, or at all addresses. Where
 * nobody is, there is no process left that could take a request there. Rejects when a host has no address.
 */
export async function portHolders(hosts: readonly string[], port: number): Promise<PortHolders> {
  const found = await Promise.all(hosts.map((host) => lookup(host, { all: true })))
  const addresses = [...ANY, ...found.flat().map(({ address }) => canonical(address))]
  const look = () => tcpSockets().filter((socket) => socket.port === port && addresses.includes(socket.address))
  const holders = new Map<number, PortHolder>()
  // What was accepted or closed while we looked isn't hidden: it is gone, or found, the second time.
  const unseen = [1, 2].map(() => unseenOf(look(), holders))
  const hidden = unseen[0]?.find(({ file }) => unseen[1]?.some((other) => other.file === file))
  return { processes: [...holders.values()], hidden: hidden && { uid: hidden.uid } }
}

/**
 * The processes that listen at a port, on whatever address. Another user's are not to be seen but for root.
 */
export function listeningOn(port: number): OwnProcess[] {
  const holders = new Map<number, PortHolder>()
  unseenOf(
    tcpSockets().filter((socket) => socket.isListening && socket.port === port),
    holders,
  )
  return [...holders.values()]
}

/** Adds who has these sockets, and returns those that nobody has whom we see. */
function unseenOf(sockets: readonly TcpSocket[], holders: Map<number, PortHolder>): TcpSocket[] {
  const wanted = new Set(sockets.map(({ file }) => file))
  const seen = new Set<string>()
  if (wanted.size === 0) return []
  for (const pid of processIds()) {
    const own = filesOf(pid).filter((file) => wanted.has(file))
    for (const file of own) seen.add(file)
    const process = own.length > 0 ? processOf(pid) : undefined
    if (process) holders.set(pid, { ...process, program: readProc(`/proc/${pid}/comm`).trim() })
  }
  return sockets.filter(({ file }) => !seen.has(file))
}
