import { appendFileSync, chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, test } from 'vitest'
import { program } from '../../../scripts/provide/debian.ts'
import { findConsul } from '../../../scripts/provide/find-consul.ts'
import { LedCluster, type LedServer } from '../../kit/led-cluster.ts'
import { type Member, Members } from '../postgres/members.ts'
import { givesUpWhatIsLost } from './accepted-loss.ts'

const TIMEOUT = { timeout: 300_000 }

let members: Members

beforeAll(async () => {
  // Whoever we are afterwards may not put anything into the cache.
  await Promise.all([program('tmux', 'tmux'), findConsul()])
  members = await Members.open()
})

afterAll(() => members?.[Symbol.asyncDispose]())

interface Postgres extends LedServer {
  readonly member: Member
}

/** The first one has data, and the others get theirs from it. */
function pair(): [Postgres, Postgres] {
  const [one, two] = [postgres(members.add()), postgres(members.add())]
  one.member.initdb()
  return [one, two]
}

/** Both run, and what was written before stands on both. */
async function replicated() {
  const [one, two] = pair()
  const led = await LedCluster.start(one, two)
  await led.runAll()
  await one.write('before')
  await led.has('n2', 'before')
  return { one, two, led }
}

function postgres(member: Member): Postgres {
  return {
    member,
    keys: member.keys,
    env: members.environment,
    write: async (word) => {
      member.sql('CREATE TABLE IF NOT EXISTS words (word text)')
      member.sql(`INSERT INTO words VALUES ('${word}')`)
    },
    words: async () => member.sql('SELECT word FROM words ORDER BY word').split('\n'),
    kill: () => member.fence(),
    // Its agent starts it.
    start: async () => {},
  }
}

test('postgres › a person gives up what the last master had, and its data when it comes back', TIMEOUT, async () => {
  await givesUpWhatIsLost(...pair())
})

// https://github.com/patroni/patroni/issues/1826 and https://github.com/hapostgres/pg_auto_failover/issues/341
test(
  'postgres › a master that may not read its own data directory any more is failed over, and follows when it may',
  TIMEOUT,
  async () => {
    const { one, two, led } = await replicated()
    chmodSync(one.member.data, 0)
    try {
      await led.plays('n2', 'master')
      await two.write('after')
    } finally {
      chmodSync(one.member.data, 0o700)
    }
    await led.has('n1', 'after', 'before')
    await led.plays('n1', 'slave')
  },
)

// https://github.com/hapostgres/pg_auto_failover/issues/379
test(
  'postgres › a master that dies and cannot start, for its configuration is wrong, is failed over',
  TIMEOUT,
  async () => {
    const { one, two, led } = await replicated()
    const file = join(one.member.dir, 'postgresql.conf')
    const sound = readFileSync(file, 'utf8')
    appendFileSync(file, 'no_such_setting = on\n')
    process.kill(one.member.postmaster, 'SIGKILL')
    await led.plays('n2', 'master')
    await two.write('after')
    writeFileSync(file, sound)
    await led.has('n1', 'after', 'before')
  },
)
