import { describe, expect, test } from 'vitest'
import { acquire } from '../../../src/library/acquire-lock.ts'
import { gates } from '../../../src/library/gates.ts'
import { hosts } from '../../../src/library/service-hosts.ts'
import { type ConsulOptions, connect } from '../../../src/library/shared-connection.ts'
import { withLock } from '../../../src/library/with-lock.ts'

/** Where nothing listens: who asks there is found out. */
const NOWHERE = { address: '127.0.0.1:1', timeout: 1 }
/** As a program in JavaScript may call it. */
const anything = (given: unknown) => given as never
const work = () => 'done'

const says = (message: string | RegExp) => ({
  name: 'ConsulLockerError',
  code: 'usage',
  message: expect.stringMatching(message),
})

describe('a lock is not had elsewhere, or by another name, for a mistake of who asks', () => {
  test.each([
    ['text', '127.0.0.1:1', /neither options nor a connection/],
    ['a number', 5, /neither options nor a connection/],
    ['null', null, /neither options nor a connection/],
    ["another copy's connection", { close() {} }, /neither options nor a connection/],
    ['misspelt options', { adress: '127.0.0.1:1' }, /^consul has no option "adress"$/],
    ['an address that is no text', { address: 8500 }, /^consul\.address is 8500, not text$/],
    ['a time-out that is no time', { timeout: {} }, /^consul\.timeout is an object, not a time: /],
  ])('consul is no %s', async (_, given, message) => {
    const mistaken = given as ConsulOptions
    await expect(acquire('a', { consul: mistaken })).rejects.toMatchObject(says(message))
    await expect(acquire('a', { consul: connect(mistaken) })).rejects.toMatchObject(says(message))
  })

  test.each([
    [undefined, /^the lock's name is undefined, not text$/],
    [null, /^the lock's name is null, not text$/],
    [5, /^the lock's name is 5, not text$/],
  ])('a name is not %s', async (name, message) => {
    await expect(withLock(anything(name), work, { consul: NOWHERE })).rejects.toMatchObject(says(message))
    await expect(acquire(anything(name), { consul: NOWHERE })).rejects.toMatchObject(says(message))
  })

  test.each([
    ['wait', {}, /^wait is an object, not a time: a number of milliseconds, or text such as 90s, 1\.5h, 2m30s$/],
    ['wait', null, /^wait is null, not a time: /],
    ['signal', {}, /^signal is an object, not an AbortSignal$/],
    ['signal', new AbortController(), /^signal is an object, not an AbortSignal$/],
    ['log', console, /^log is an object, not a function$/],
    ['slots', '3', /^slots is "3", not a whole number from 1 to \d+$/],
    ['slots', 1.5, /^slots is 1\.5, not a whole number from 1 to \d+$/],
    ['shared', 'yes', /^shared is "yes", not true or false$/],
    ['also', 'b', /^also is "b", not a list of locks' names$/],
    ['also', ['b', 5], /^also\.1 is 5, not a lock's name$/],
    ['key', 5, /^key is 5, not text$/],
    ['ttl', [], /^ttl is a list, not a time: /],
    ['grace', () => 1, /^grace is a function, not a time: /],
    ['lockDelay', true, /^lockDelay is true, not a time: /],
    ['as', Symbol('me'), /^as is a symbol, not text$/],
    ['wiat', '90s', /has no option "wiat"$/],
    ['__proto__\u202e', 1, /has no option "__proto__\\u202e"$/],
  ])('%s is not %o', async (option, value, message) => {
    const mistaken = anything({ consul: NOWHERE, [option]: value })
    await expect(acquire('a', mistaken)).rejects.toMatchObject(says(message))
    await expect(withLock('a', work, mistaken)).rejects.toMatchObject(says(message))
  })

  test('what withLock alone understands is not dropped by acquire', async () => {
    await expect(acquire('a', anything({ oncePer: '1h' }))).rejects.toMatchObject({
      ...says(/^acquire has no option "oncePer"$/),
      hint: expect.stringMatching(/^it takes consul, wait, /),
    })
    await expect(withLock('a', work, anything({ oncePer: [] }))).rejects.toMatchObject(says(/^oncePer is a list, /))
    await expect(withLock('a', work, anything({ onSuccess: 1 }))).rejects.toMatchObject(says(/^onSuccess is 1, /))
  })

  test('options are an object, and work is a function', async () => {
    await expect(acquire('a', anything('90s'))).rejects.toMatchObject(
      says(/^what acquire takes as options is "90s", not an object$/),
    )
    await expect(acquire('a', anything(null))).rejects.toMatchObject(says(/^what acquire takes as options is null, /))
    await expect(withLock('a', anything({ wait: 0 }))).rejects.toMatchObject(
      says(/^the work is an object, not a function$/),
    )
  })
})

describe('what is mistaken in looking for others is told, too', () => {
  test.each([
    [undefined, {}, /^the service is undefined, not text$/],
    ['db', { min: -1 }, /^min is -1, not a whole number from 0$/],
    ['db', { min: '1' }, /^min is "1", not a whole number from 0$/],
    ['db', { wait: 'soon' }, /^wait is "soon", not a time: /],
    ['db', { signal: 5 }, /^signal is 5, not an AbortSignal$/],
    ['db', { minimum: 1 }, /^hosts has no option "minimum"$/],
  ])('hosts(%o, %o)', async (service, options, message) => {
    await expect(hosts(anything(service), anything({ consul: NOWHERE, ...options }))).rejects.toMatchObject(
      says(message),
    )
  })

  test.each([
    [undefined, {}, /^gates is undefined, not a list of conditions$/],
    [['service:db', 5], {}, /^gates\.1 is 5, not a condition$/],
    ['service:db', { any: 'yes' }, /^any is "yes", not true or false$/],
    ['service:db', { settle: {} }, /^settle is an object, not a time: /],
    ['service:db', { log: 'yes' }, /^log is "yes", not a function$/],
    ['service:db', { setle: '1s' }, /^gates has no option "setle"$/],
  ])('gates(%o, %o)', async (conditions, options, message) => {
    await expect(gates(anything(conditions), anything({ consul: NOWHERE, ...options }))).rejects.toMatchObject(
      says(message),
    )
  })
})

describe('a connection that was closed', () => {
  const closed = () => {
    const consul = connect(NOWHERE)
    consul.close()
    return consul
  }

  test.each<[string, () => Promise<unknown>]>([
    ['a lock', () => acquire('a', { consul: closed() })],
    ['work under a lock', () => withLock('a', work, { consul: closed() })],
    ['hosts', () => hosts('db', { consul: closed(), wait: '1h' })],
    ['gates', () => gates('service:db', { consul: closed() })],
  ])('gives nobody %s', async (_, use) => {
    await expect(use()).rejects.toMatchObject({
      ...says(/^the connection with Consul was closed$/),
      hint: expect.stringContaining('connect anew'),
    })
  })
})
