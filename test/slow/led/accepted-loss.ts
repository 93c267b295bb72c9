import { expect } from 'vitest'
import { LedCluster, type LedServer } from '../../kit/led-cluster.ts'
import { patiently } from '../../kit/locker.ts'
import { Terminal } from '../../kit/terminal.ts'

/**
 * The last master is gone with what only it had. A person has the other node lead, by a terminal, and gives up what is
 * lost; when the old master comes back, its data are thrown away for the new one's.
 */
export async function givesUpWhatIsLost(one: LedServer, two: LedServer): Promise<void> {
  const led = await LedCluster.start(one, two)
  const { cluster } = led
  await led.runAll()
  await one.write('both have it')
  await led.has('n2', 'both have it')
  await led.end('n2')
  await two.kill()
  await one.write('one has it')
  await led.end('n1')
  await one.kill()

  const { toy, running } = await led.run('n2')
  await running?.says(/is not ready to lead/)
  await led.healthy('n2')
  const terminal = await Terminal.open({ address: cluster.node('n2').consul.address })
  const promote = `$L leader promote ${cluster.name} n2 --accept-loss`
  await terminal.enter(promote)
  await terminal.shows(/.*what n2 lacks is lost for good\. Go on\? \[y\/N\]/)
  await terminal.shows(/the last master, n1, was at \d+ of .*/)
  await terminal.enter('n')
  await terminal.prompts(1)
  expect((await toy.get('/role')).text).not.toContain('master')
  await terminal.run('clear')
  await terminal.enter(promote)
  await terminal.shows(/.*Go on\? \[y\/N\]/)
  await terminal.enter('y')
  await terminal.shows(/\S+: n2 is master now/)
  await terminal.prompts(0)
  await two.write('two has it')
  expect(await two.words()).toEqual(['both have it', 'two has it'])

  await led.run('n1')
  await led.plays('n1', 'slave')
  await terminal.run('clear')
  const reinit = `$L leader reinit ${cluster.name} n1`
  await terminal.enter(reinit)
  await terminal.shows(/Throw away the data of \S+ on n1, and take those of n2\? \[y\/N\]/)
  await terminal.press('C-c')
  await terminal.prompts(130)
  const request = `lock/${cluster.name}/reinit/n1`
  expect(await cluster.consul.entry(request)).toBeUndefined()
  await terminal.run('clear')
  await terminal.enter(reinit)
  await terminal.shows(/Throw away .*\? \[y\/N\]/)
  await terminal.enter('yes')
  await terminal.shows(/\S+: asked n1 to take the data of n2; .*/)
  await terminal.prompts(0)
  await patiently(
    async () => (await cluster.consul.entry(request)) === undefined,
    () => `it is not done: ${cluster.node('n1').running?.stderr}`,
  )
  await led.has('n1', 'both have it', 'two has it')
  await led.plays('n1', 'slave')
  await two.write('zuletzt')
  await led.has('n1', 'both have it', 'two has it', 'zuletzt')
}
