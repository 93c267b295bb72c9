import { test } from 'vitest'
import { LedCluster, type LedServer } from '../../kit/led-cluster.ts'
import { patiently } from '../../kit/locker.ts'
import { MariadbNode, newDataDirectory } from '../../kit/mariadb-node.ts'
import { givesUpWhatIsLost } from './accepted-loss.ts'

const TIMEOUT = { timeout: 300_000 }
const TABLE = 'CREATE DATABASE IF NOT EXISTS shop; CREATE TABLE IF NOT EXISTS shop.words (word VARCHAR(40) PRIMARY KEY)'

const LOCKED = "SELECT ID FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep'"

interface Mysql extends LedServer {
  readonly node: MariadbNode
}

async function pair(): Promise<[Mysql, Mysql]> {
  const data = await newDataDirectory()
  const [one, two] = await Promise.all([MariadbNode.start(data, 1), MariadbNode.start(data, 2)])
  return [mysql(one), mysql(two)]
}

function mysql(node: MariadbNode): Mysql {
  const { PATH, LD_LIBRARY_PATH } = node.env
  return {
    node,
    keys: { application: 'mysql', port: node.port, address: '127.0.0.1', mysql: node.section },
    env: { PATH, LD_LIBRARY_PATH },
    write: (word) => node.sql(`${TABLE}; INSERT INTO shop.words VALUES ('${word}')`),
    words: () => node.sql('SELECT word FROM shop.words ORDER BY word'),
    kill: () => node.down(),
    start: async () => {
      node.up()
      await node.answers()
    },
  }
}

test('mysql › a person gives up what the last master had, and its data when it comes back', TIMEOUT, async () => {
  await givesUpWhatIsLost(...(await pair()))
})

// https://github.com/openark/orchestrator/issues/1260
test('mysql › a slave that is promoted has applied all that waits in its relay log', TIMEOUT, async () => {
  const [one, two] = await pair()
  const led = await LedCluster.start(one, two)
  await led.runAll()
  await one.write('a first word')
  await led.has('n2', 'a first word')
  // What comes from now on is received, and waits for this lock.
  const lock = two.node.sql('LOCK TABLES shop.words READ; SELECT SLEEP(10)')
  lock.catch(() => {})
  await patiently(
    async () => (await two.node.sql(LOCKED)).length > 0,
    () => 'nobody holds the lock',
  )
  for (let n = 0; n < 10; n++) await one.write(`word ${n}`)
  // A master waits for no slave: what is still on the way is lost with it.
  const [sent = 'nothing'] = await one.node.sql('SELECT @@gtid_binlog_pos')
  await patiently(
    async () => (await two.node.sql('SHOW SLAVE STATUS')).join().includes(sent),
    () => `n2 has not received ${sent}`,
  )
  await one.kill()
  await led.end('n1')
  await led.plays('n2', 'master')
  await led.has('n2', 'a first word', ...Array.from({ length: 10 }, (_, n) => `word ${n}`))
})
