/**
 * A program that uses the package in ways that depend on the Node that it runs on; in words that Node 20 knows. It
 * prints what went well, and must end by itself.
 */
export const LIBRARY_USER = `
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { acquire, connect, gates, hosts, isConsulLockerError, isLockLost, LockLost, withLock } from 'consul-locker'

const [address, prefix] = process.argv.slice(2)
const consul = { address }
const api = (method, path, body) => fetch(address + '/v1' + path, { method, body })
const rejection = (promise) => promise.then((value) => { throw new Error('it settled with ' + value) }, (thrown) => thrown)
const check = (what, isSo) => { if (!isSo) throw new Error(what); console.log(what) }
const listeners = () => process.eventNames().map((name) => name + process.listenerCount(name)).join()
const before = listeners()

const name = (of) => prefix + '-' + of
check('the work is done', (await withLock(name('a'), ({ fence }) => fence > 0, { consul })) === true)

const lock = await acquire(name('b'), { consul })
const busy = await rejection(acquire(name('b'), { consul, wait: 0 }))
check('a held lock is busy', isConsulLockerError(busy, 'busy'))
check('a wait ends', isConsulLockerError(await rejection(acquire(name('b'), { consul, wait: 300 })), 'busy'))
const timeout = AbortSignal.timeout(300)
check('a wait is given up', (await rejection(acquire(name('b'), { consul, signal: timeout }))) === timeout.reason)
await new Promise((resolve) => setTimeout(resolve, 100).unref())
check('a lock keeps the process alive', true)
check('it is given back', await lock.release())

const lost = await rejection(withLock(name('c'), async ({ sessionId, signal }) => {
  await api('PUT', '/session/destroy/' + sessionId)
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
  signal.throwIfAborted()
}, { consul }))
check('a loss has its name', isLockLost(lost) && lost instanceof LockLost && lost.loss === 'session-gone')

for (const kind of [{ slots: 2 }, { shared: true }, { also: [name('e')] }]) {
  await withLock(name('d'), () => check('got with ' + Object.keys(kind), true), { consul, ...kind })
}
await withLock(name('f'), () => {}, { consul, oncePer: '1h' })
check('a second time is skipped', isConsulLockerError(await rejection(withLock(name('f'), () => {}, { consul, oncePer: '1h' })), 'skipped'))

const service = { Name: name('service'), ID: name('service'), Address: '10.1.2.3', Port: 80 }
await api('PUT', '/agent/service/register', JSON.stringify(service))
const [host] = await hosts(name('service'), { consul, wait: '20s' })
check('a host is found', host.address === '10.1.2.3' && host.port === 80)

const server = createServer((_, response) => response.end('fine')).listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))
const { port } = server.address()
await gates(['service:' + name('service'), 'tcp:127.0.0.1:' + port, 'http://127.0.0.1:' + port + '/'], { consul, wait: '20s' })
const shut = await rejection(gates('kv:' + name('nothing'), { consul, wait: 300 }))
check('a gate is shut', isConsulLockerError(shut, 'timed-out') && /no such key/.test(shut.message))
check('a command is no gate', isConsulLockerError(await rejection(gates('cmd:true', { consul })), 'usage'))
server.closeAllConnections()
server.close()
await api('PUT', '/agent/service/deregister/' + name('service'))

const shared = connect({ address })
const many = await Promise.all(Array.from({ length: 100 }, (_, n) => acquire(name('many-' + n), { consul: shared })))
check('a hundred locks at once', new Set(many.map(({ sessionId }) => sessionId)).size === 100 && many.every(({ signal }) => !signal.aborted))
check('a hundred given back', (await Promise.all(many.map((one) => one.release()))).every(Boolean))
shared.close()

const { require: isRequired } = process.features
if (isRequired ?? process.features.require_module) {
  check('require() takes it', createRequire(import.meta.url)('consul-locker').withLock === withLock)
}
check('nothing of the process is listened to', listeners() === before)
`

/** A program in TypeScript that names all types; it need not run. */
export const TYPED_USER = `import {
  acquire, connect, ConsulLockerError, gates, hosts, isConsulLockerError, isLockLost, LockLost, withLock,
  type ConsulConnection, type ConsulOptions, type Duration, type ErrorCode, type GatesOptions, type Held, type Host,
  type HostsOptions, type Lock, type LockOptions, type LogCallback, type LogLevel, type LossName, type WithLockOptions,
} from 'consul-locker'

const log: LogCallback = (level: LogLevel, sentence) => console.error(level, sentence)
const wait: Duration = '90s'
const consul: ConsulOptions = { address: '127.0.0.1:8500' }
const options: WithLockOptions = { wait, consul, log, oncePer: '1h' } satisfies LockOptions & { oncePer: Duration }
const result: number = await withLock('report', async ({ signal, fence, sessionId }: Held) => {
  signal.throwIfAborted()
  return fence + sessionId.length
}, options)
export async function inScope(connection: ConsulConnection = connect(consul)): Promise<Lock> {
  await using lock = await acquire('report', { consul: connection })
  return lock
}
export function why(thrown: unknown): ErrorCode | LossName | undefined {
  if (isLockLost(thrown)) return (thrown satisfies LockLost).loss
  return isConsulLockerError(thrown) ? (thrown satisfies ConsulLockerError).code : undefined
}
const found: Host[] = await hosts('web', { min: result } satisfies HostsOptions)
await gates(['service:web'], { any: found.length > 0 } satisfies GatesOptions)
// @ts-expect-error A lock has a name.
await withLock(async () => {})
`
