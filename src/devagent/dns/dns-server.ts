import type { Socket as Datagrams } from 'node:dgram'
import type { Server, Socket } from 'node:net'
import dnsPacket, { type Answer, type Packet } from 'dns-packet'
import { type HostPort, hostPortText } from '../../base/host-port.ts'
import type { CatalogTable } from '../catalog/catalog-table.ts'
import { parseName } from './dns-names.ts'
import { recordsFor } from './dns-records.ts'

/** A server of DNS, over UDP and TCP. */
export interface DnsServer {
  /** `host:port`, as it turned out. */
  readonly address: string
  close(): void
}

/** Whose nodes and services have names. */
export interface Named {
  readonly catalog: CatalogTable
}

/** What a datagram may carry unless its sender says that it takes more; RFC 1035, RFC 6891. */
const DATAGRAM_BYTES = 512
const MOST_DATAGRAM_BYTES = 4096
/** So many answers are enough there, and no others are said to be missing (`udp_answer_limit`). */
const DATAGRAM_ANSWERS = 3
const IDLE_MS = 10_000
const MAX_CONNECTIONS = 256

const NXDOMAIN = 3
const NOT_IMPLEMENTED = 4
const REFUSED = 5

/** Answers for the domain `consul` until it is closed. Rejects with what Node has against the address. */
export async function openDns(agent: Named, random: () => number, where: HostPort): Promise<DnsServer> {
  const answer = (question: Buffer, most: number) => responseTo(agent.catalog, random, question, most)
  const tcp = process.getBuiltinModule('node:net').createServer((socket) => converse(socket, answer))
  tcp.maxConnections = MAX_CONNECTIONS
  await once(tcp, () => tcp.listen(where))
  const { port } = tcp.address() as { port: number }
  const udp = process.getBuiltinModule('node:dgram').createSocket(where.host.includes(':') ? 'udp6' : 'udp4')
  try {
    await once(udp, () => udp.bind(port, where.host))
  } catch (thrown) {
    tcp.close()
    throw thrown
  }
  udp.on('error', () => {})
  udp.on('message', (question, peer) => {
    const response = answer(question, DATAGRAM_BYTES)
    if (response) udp.send(response, peer.port, peer.address)
  })
  return {
    address: hostPortText({ host: where.host, port }),
    close() {
      udp.close()
      tcp.close()
    },
  }
}

function once(server: Server | Datagrams, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', () => {
      server.removeListener('error', reject)
      resolve()
    })
    listen()
  })
}

/** Over TCP the length stands before each message. */
function converse(socket: Socket, answer: (question: Buffer, most: number) => Buffer | undefined): void {
  let pending: Buffer = Buffer.alloc(0)
  socket.unref()
  socket.setTimeout(IDLE_MS, () => socket.destroy())
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE()) {
      const end = 2 + pending.readUInt16BE()
      const response = answer(pending.subarray(2, end), Number.POSITIVE_INFINITY)
      pending = pending.subarray(end)
      if (!response) {
        socket.destroy()
        return
      }
      const length = Buffer.alloc(2)
      length.writeUInt16BE(response.length)
      socket.write(Buffer.concat([length, response]))
    }
  })
}

/** `undefined` for what is no question. */
function responseTo(catalog: CatalogTable, random: () => number, message: Buffer, most: number): Buffer | undefined {
  const query = decoded(message)
  const [question] = query?.questions ?? []
  if (query?.type !== 'query' || !question) return undefined
  const { id, questions = [], flags = 0, additionals = [] } = query
  const respond = (rcode: number, answers: readonly Answer[] = [], more: readonly Answer[] = [], cut = 0) =>
    dnsPacket.encode({
      type: 'response',
      id: id ?? 0,
      flags: (flags & dnsPacket.RECURSION_DESIRED) | dnsPacket.AUTHORITATIVE_ANSWER | cut | rcode,
      questions,
      answers: [...answers],
      additionals: [...more],
    })
  if ((flags & OPCODE) !== 0) return respond(NOT_IMPLEMENTED)
  const asked = parseName(question.name)
  if (asked === 'elsewhere') return respond(REFUSED)
  const records = asked && recordsFor(catalog, random, question, asked)
  if (!records) return respond(NXDOMAIN)
  const room = most === DATAGRAM_BYTES ? Math.max(most, datagramBytes(additionals)) : most
  const count = room === DATAGRAM_BYTES ? DATAGRAM_ANSWERS : records.answers.length
  const answers = records.answers.slice(0, count)
  const whole = respond(0, answers, records.additionals.slice(0, count))
  if (whole.length <= room) return whole
  return fitting(answers, (answers, cut) => respond(0, answers, [], cut), room)
}

const OPCODE = 0x7800

/** As many answers as there is room for, marked as not all. */
function fitting(
  answers: readonly Answer[],
  respond: (answers: readonly Answer[], cut: number) => Buffer,
  room: number,
): Buffer {
  const all = respond(answers, 0)
  if (all.length <= room) return all
  for (let count = answers.length - 1; count > 0; count--) {
    const some = respond(answers.slice(0, count), dnsPacket.TRUNCATED_RESPONSE)
    if (some.length <= room) return some
  }
  return respond([], dnsPacket.TRUNCATED_RESPONSE)
}

/** How much the sender takes, by its OPT record. */
function datagramBytes(additionals: readonly Answer[]): number {
  const opt = additionals.find(({ type }) => type === 'OPT') as { udpPayloadSize?: number } | undefined
  return Math.min(opt?.udpPayloadSize ?? 0, MOST_DATAGRAM_BYTES)
}

function decoded(message: Buffer): Packet | undefined {
  try {
    return dnsPacket.decode(message)
  } catch {
    return undefined
  }
}
