import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { afterTest } from '../../kit/after-test.ts'
import { barriers, openPage, picture, startBrowser } from '../../kit/browser.ts'
import { ConsulClient } from '../../kit/consul-client.ts'
import { startDashboard } from '../../kit/dashboard.ts'
import { master } from '../../kit/leader.ts'
import { runLocker } from '../../kit/locker.ts'
import { uniqueName } from '../../kit/unique.ts'

const client = new ConsulClient()
let browser: Browser

beforeAll(async () => {
  browser = await startBrowser()
})

afterAll(() => browser?.close())

/** What stands below this prefix ends with its test. */
function passing(prefix: string): string {
  afterTest(() => client.request('DELETE', `/kv/${prefix}?recurse`))
  return prefix
}

async function does(...words: readonly string[]): Promise<void> {
  expect(await runLocker(words)).toMatchObject({ code: 0 })
}

/** The dashboard's page at one of its tabs, which is left when the test has ended. */
async function tab(name: string, ...options: readonly string[]) {
  const { url } = await startDashboard(inject('consulAddress'), options)
  const opened = await openPage(browser, url)
  await opened.page.getByRole('link', { name: new RegExp(`^${name}`) }).click()
  return opened
}

const card = (page: Page, name: string) => page.getByRole('region', { name, exact: true })

describe('the tab of leaders', () => {
  test('shows who is master, how the node is and what is switched, as it changes', async () => {
    const { toy, agent } = await master()
    const { page, complaints } = await tab('Leaders')
    const leader = card(page, toy.name)
    await leader.getByText(/is master, for \d/).waitFor()
    const node = leader.getByRole('table', { name: `Nodes of ${toy.name}` }).locator('tbody tr')
    await node.locator('.role-master').waitFor()
    await node.getByText('passing').waitFor()
    await does('leader', 'maintenance', toy.name)
    await leader.getByText(/^In maintenance until/).waitFor()
    expect(await barriers(page)).toEqual([])
    await picture(page, 'leaders')
    await does('leader', 'maintenance', toy.name, '--off')
    await leader.getByText(/^In maintenance until/).waitFor({ state: 'detached' })
    agent.kill('SIGTERM')
    expect((await agent.ends()).code).toBe(0)
    await leader.getByText('nobody is master').waitFor()
    expect(complaints).toEqual([])
  })
})

describe('the tab of rollouts', () => {
  test('shows how far the rollout of a prefix is, who has failed, and what is paused', async () => {
    const prefix = passing(uniqueName('fleet'))
    const rollout = (...words: string[]) => does('rollout', ...words, '--prefix', prefix)
    await rollout('trigger', 'V2')
    await rollout('record', 'V2', '--host', 'web1')
    await rollout('record', 'V1', '--host', 'web2')
    const { page, complaints } = await tab('Rollouts', '--rollout-prefix', `${prefix}/`)
    const version = card(page, `Version V2 of ${prefix}`)
    await version.getByText('1 of 2 hosts').waitFor()
    const bar = version.getByRole('progressbar')
    expect(await bar.getAttribute('aria-valuenow')).toBe('1')
    const host = (name: string) =>
      version.locator('tbody tr', { has: page.getByRole('rowheader', { name, exact: true }) })
    expect(await host('web1').innerText()).toMatch(/✓ done\s+V2/)
    expect(await host('web2').innerText()).toMatch(/not yet\s+V1/)
    await rollout('pause', '--host', 'web2')
    await host('web2').getByText('paused by host/web2').waitFor()
    expect(await barriers(page)).toEqual([])
    await picture(page, 'rollouts')
    await rollout('resume', '--host', 'web2')
    await rollout('record', 'V2', '--host', 'web2')
    await version.getByText('2 of 2 hosts').waitFor()
    expect(complaints).toEqual([])
  })

  test('does not open for a prefix that is none', async () => {
    expect(await runLocker(['dashboard', '--rollout-prefix', 'a//b'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('the prefix "" is empty'),
    })
  })
})

describe('the tab of switches', () => {
  test('shows a switch and its nodes, how far they are, and that it is over', async () => {
    const service = uniqueName('web')
    passing(`service/${service}/`)
    const at = (node: string) => ({ node, datacenter: 'dc1' })
    const plan = {
      ...{ id: 'p', revision: 1, course: 'forward', promote: [at('new')], demote: [at('old')], skipped: [], swaps: [] },
      ...{ by: 'root@adm1', since: new Date(Date.now() - 60_000).toISOString() },
    }
    await client.request('PUT', `/kv/service/${service}/switch`, JSON.stringify(plan))
    await does('demote', service, '--node', 'old', '--set', 'START')
    const { page, complaints } = await tab('Switches')
    const one = card(page, service)
    await one.getByText(/Switch under way, begun by root@adm1 \d+\S* ago/).waitFor()
    const node = (name: string) =>
      one.locator('tbody tr', { has: page.getByRole('rowheader', { name: `${name} dc1` }) })
    expect(await node('old').innerText()).toMatch(/stop, and stand by\s+START it was told to begin/)
    expect(await node('new').innerText()).toMatch(/become primary\s+NULL/)
    await does('demote', service, '--node', 'old', '--set', 'WAIT')
    await node('old').getByText('it is ready, and waits for the others').waitFor()
    expect(await barriers(page)).toEqual([])
    await picture(page, 'switches')
    await does('demote', service, '--node', 'old', '--set', 'NULL')
    await client.request('DELETE', `/kv/service/${service}/switch`)
    await one.waitFor({ state: 'detached' })
    expect(complaints).toEqual([])
  })
})
