import { printable } from '../base/printable.ts'

/** What the command calls its options, and what they are here. */
const WORDS: Readonly<Record<string, string>> = {
  '--http-addr': 'consul.address',
  '--token': 'consul.token',
  '--token-file': 'consul.tokenFile',
  '--consul-timeout': 'consul.timeout',
  '--ca-file': 'consul.caFile',
  '--ca-path': 'consul.caPath',
  '--client-cert': 'consul.clientCert',
  '--client-key': 'consul.clientKey',
  '--tls-server-name': 'consul.serverName',
  '--ttl': 'ttl',
  '--renew': 'renew',
  '--kill-after': 'grace',
  '--lock-delay': 'lockDelay',
  '--key': 'key',
  '--slots': 'slots',
  '--also': 'also',
  '--label': 'the service',
  '--slot': 'a slot of the command',
}

/** A sentence of the command's, as a program's author understands it; printable. */
export function inOurWords(sentence: string): string {
  return printable(sentence.replaceAll(/--[a-z]+(?:-[a-z]+)*/g, (word) => WORDS[word] ?? word))
}
