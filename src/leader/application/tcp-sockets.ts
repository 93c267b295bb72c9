import { readProc } from './own-process.ts'

/** A TCP socket of this network namespace that a process has. */
export interface TcpSocket {
  /** Its own address, in the shortest form. */
  readonly address: string
  readonly port: number
  readonly isListening: boolean
  /** Of the process's user. */
  readonly uid: number
  /** As `/proc` names the file in every process that has it. */
  readonly file: string
}

const LISTENING = '0A'

/**
 * All of them; those that only wait for their end have no process. https://docs.kernel.org/networking/proc_net_tcp.html
 */
export function tcpSockets(): TcpSocket[] {
  return ['/proc/self/net/tcp', '/proc/self/net/tcp6'].flatMap((table) =>
    readProc(table)
      .split('\n')
      .slice(1)
      .flatMap((line) => {
        const [, local = '', , state, , , , uid, , inode = '0'] = line.trim().split(/\s+/)
        const [address = '', port = ''] = local.split(':')
        if (inode === '0') return []
        return [
          {
            address: addressOf(address),
            port: Number.parseInt(port, 16),
            isListening: state === LISTENING,
            uid: Number(uid),
            file: `socket:[${inode}]`,
          },
        ]
      }),
  )
}

/** Words of 32 bits in the machine's byte order, which is the little-endian one on all that we run on. */
function addressOf(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse())
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join('.')
  return canonical((bytes.join('').match(/.{4}/g) ?? []).join(':'))
}

/** An address in its shortest form; what only stands for an IPv4 address becomes that. */
export function canonical(address: string): string {
  if (!address.includes(':')) return address
  const short = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short) ?? []
  if (high === undefined || low === undefined) return short
  const number = Number.parseInt(high, 16) * 65_536 + Number.parseInt(low, 16)
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.')
}
