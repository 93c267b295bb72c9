import { isIPv4 } from 'node:net'
import { Failure } from '../../base/failure.ts'
import { type HostPort, parseHostPort } from '../../base/host-port.ts'
import type { Parse } from '../syntax/option.ts'

/** Where a server of ours listens; `example` is what a hint shows. */
export function listenAddress(example: string): Parse<HostPort> {
  return (text, name) => {
    const address = parseHostPort(text)
    if (address) return address
    throw new Failure('usage', `--${name} ${JSON.stringify(text.slice(0, 100))} is no address to listen at`, {
      hint: `write it as ${example} or ${example.replace(/^[^:]*/, '0.0.0.0')}`,
    })
  }
}

/** Whether only this machine reaches it. */
export function isLoopback({ host }: HostPort): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
}
