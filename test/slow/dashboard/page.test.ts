import { writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ConsulAgent, startConsul } from '../../../scripts/provide/agent.ts'
import { afterTest } from '../../kit/after-test.ts'
import { barriers, openPage, picture, startBrowser } from '../../kit/browser.ts'
import { ConsulClient } from '../../kit/consul-client.ts'
import { SECRET, secretOptions, startDashboard } from '../../kit/dashboard.ts'
import { startLocker } from '../../kit/locker.ts'
import { scratch, uniqueName } from '../../kit/unique.ts'

let agent: ConsulAgent
let browser: Browser

beforeAll(async () => {
  ;[agent, browser] = await Promise.all([startConsul(), startBrowser()])
})

afterAll(async () => {
  await browser?.close()
  await agent?.stop()
})

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }

/** The row of a lock. */
const rowOf = (page: Page, name: string) =>
  page.locator('tr.lock', { has: page.getByRole('button', { name, exact: true }) })

/** A run under a lock that ends with this code when it is told to. */
function run(name: string) {
  const file = join(scratch(), 'end')
  const wait = `until [ -e '${file}' ]; do sleep 0.1; done; exit $(cat '${file}')`
  const locker = startLocker([name, 'sh', '-c', wait], { address: agent.address })
  return { locker, end: (code: number) => writeFileSync(file, String(code)) }
}

/** A lock with the history that is given. */
async function record(name: string, runs: readonly object[]): Promise<void> {
  const client = new ConsulClient(agent.address)
  await client.request('PUT', `/kv/consul-locker-${name}%3Druns`, JSON.stringify({ runs }))
}

function past(host: string, agoMs: number, ranMs: number, end: object = { code: 0 }) {
  const start = new Date(Date.now() - agoMs).toISOString()
  return { runId: `${host} ${agoMs}`, host, user: 'root', command: './run', start, ranMs, ...end }
}

describe('the page', () => {
  test('shows a lock that is taken, who waits for it, and the bar of its run when that ends', async () => {
    const name = uniqueName('story')
    const { url } = await startDashboard(agent.address)
    const { page, complaints } = await openPage(browser, url)
    await page.getByText('live', { exact: true }).waitFor()
    const first = run(name)
    const row = rowOf(page, name)
    await row.getByText(hostname()).first().waitFor()
    expect(await row.locator('.bar-running').count()).toBe(1)
    const second = run(name)
    await row.locator('.queue').getByText('1', { exact: true }).waitFor()
    await row.getByText(`next ${hostname()}`).waitFor()
    first.end(0)
    await row.locator('.bar-ok').waitFor()
    expect((await first.locker.ends()).code).toBe(0)
    await row.locator('.queue').getByText('–').waitFor()
    second.end(3)
    await row.locator('.bar-failed').waitFor()
    await row.getByText('free').waitFor()
    expect(await row.getByRole('img').getAttribute('aria-label')).toMatch(
      /^2 runs: 1 succeeded, 1 failed; the latest on /,
    )
    await page.getByRole('button', { name: /^Last run failed/ }).click()
    await row.waitFor()
    expect(complaints).toEqual([])
  })

  test('shows what others wrote as text', async () => {
    const name = '<img src=x onerror="document.title=1">'
    const client = new ConsulClient(agent.address)
    const session = await client.createSession({ Name: 'hostile' })
    const host = '<script>document.title="owned"</script>'
    const record = JSON.stringify({ host, user: '"><svg onload=alert(1)>', command: ['<b>', 'javascript:alert(1)'] })
    await client.acquire(`consul-locker-${encodeURIComponent(name)}`, session, record)
    afterTest(() => client.destroySession(session))
    const { url } = await startDashboard(agent.address)
    const { page, complaints } = await openPage(browser, url)
    await page.getByRole('button', { name, exact: true }).click()
    await page.getByText(host).first().waitFor()
    expect(await page.locator('main img, main script, main svg[onload], main b:has(*)').count()).toBe(0)
    expect(await page.title()).toMatch(/Locks · consul-locker$/)
    expect(complaints).toEqual([])
  })

  test('is used by keyboard alone, and keeps its focus while it changes', async () => {
    const [one, other] = [uniqueName('keys-a'), uniqueName('keys-b')]
    await record(one, [past('web1', 60_000, 5000), past('web2', 30_000, 5000, { code: 2 })])
    await record(other, [past('web1', 60_000, 5000)])
    const { url } = await startDashboard(agent.address)
    const { page } = await openPage(browser, url)
    const focused = () => page.evaluate('document.activeElement.textContent')
    await rowOf(page, one).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type(one.slice(0, 6))
    await expect.poll(() => page.url()).toContain('q=keys-a')
    await page.keyboard.press('ControlOrMeta+a')
    await page.keyboard.type('keys-')
    await rowOf(page, other).waitFor()
    await page.getByRole('button', { name: one, exact: true }).focus()
    await page.keyboard.press('ArrowDown')
    expect(await focused()).toBe(other)
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('Enter')
    const details = page.locator('tr.details')
    await details.getByRole('table', { name: 'Runs, the latest first' }).waitFor()
    expect(await details.locator('tbody tr').first().innerText()).toContain('exit 2')
    await record(one, [past('web1', 60_000, 5000), past('web3', 20_000, 5000)])
    await details.getByText('web3').first().waitFor()
    expect(await focused()).toBe(one)
    await page.keyboard.press('Enter')
    await details.waitFor({ state: 'detached' })
  })

  test('has no barriers that axe knows of, by day, in the dark, and on a phone', async () => {
    const name = uniqueName('axe')
    await record(name, [past('web1', 7_200_000, 3_600_000), past('web2', 3_000_000, 600_000, { code: 1 })])
    run(name)
    const { url } = await startDashboard(agent.address)
    for (const [kind, options] of [
      ['light', {}],
      ['dark', { colorScheme: 'dark' }],
      ['phone', PHONE],
    ] as const) {
      const { page } = await openPage(browser, `${url}/#locks?q=${name}`, options)
      await page.getByRole('button', { name, exact: true }).click()
      await page.getByRole('table', { name: 'Holder' }).waitFor()
      await picture(page, kind)
      expect([kind, await barriers(page)]).toEqual([kind, []])
      const [wide, window] = (await page.evaluate('[document.documentElement.scrollWidth, innerWidth]')) as number[]
      expect(wide).toBeLessThanOrEqual(window ?? 0)
    }
  })

  test('finds one lock among ten thousand, and draws no more than a page of them', async () => {
    const client = new ConsulClient(agent.address)
    const topic = uniqueName('many')
    const value = Buffer.from(JSON.stringify({ runs: [past('web1', 60_000, 5000)] })).toString('base64')
    for (let n = 0; n < 10_000; n += 64) {
      const ops = Array.from({ length: Math.min(64, 10_000 - n) }, (_, m) => ({
        KV: { Verb: 'set', Key: `consul-locker-${topic}/${n + m}=runs`, Value: value },
      }))
      await client.request('PUT', '/txn', JSON.stringify(ops))
    }
    afterTest(() => client.request('DELETE', `/kv/consul-locker-${topic}/?recurse`))
    const { url } = await startDashboard(agent.address)
    const { page } = await openPage(browser, `${url}/#locks?q=${topic}`)
    await page.getByText('1 to 50 of 10,000').waitFor()
    expect(await page.locator('tr.lock').count()).toBe(50)
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByText('51 to 100 of 10,000').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type(`${topic}/7777`)
    await rowOf(page, `${topic}/7777`).waitFor()
    expect(await page.locator('tr.lock').count()).toBe(1)
  })

  test('says that Consul is away and since when, and goes on when it is back', async () => {
    const own = await startConsul({ mode: 'server' })
    afterTest(() => own.stop())
    const name = uniqueName('away')
    const client = new ConsulClient(own.address)
    const put = (host: string) =>
      client.request('PUT', `/kv/consul-locker-${name}%3Druns`, JSON.stringify({ runs: [past(host, 60_000, 5000)] }))
    await put('web1')
    const { url } = await startDashboard(own.address)
    const { page } = await openPage(browser, url)
    await rowOf(page, name).waitFor()
    own.kill('SIGKILL')
    await page.getByText(/Nothing new from Consul since \d/).waitFor()
    await page.getByText('not current').waitFor()
    expect(await rowOf(page, name).count()).toBe(1)
    await own.restart()
    await page.getByText('live', { exact: true }).waitFor()
    await put('web7')
    await page.getByRole('img', { name: /the latest on web7/ }).waitFor()
    expect(await page.getByText(/Nothing new/).count()).toBe(0)
  })

  test('says that the dashboard is away, and goes on with the next one', async () => {
    const first = await startDashboard(agent.address)
    const { page } = await openPage(browser, first.url)
    await page.getByText('live', { exact: true }).waitFor()
    first.server.kill('SIGTERM')
    await page.getByText(/The dashboard does not answer since/).waitFor()
    const { host } = new URL(first.url)
    await first.server.ends()
    const next = startLocker(['dashboard', '--listen', host], { address: agent.address })
    await next.says(/the dashboard is at/)
    await page.getByText('live', { exact: true }).waitFor()
  })
})

describe('who has signed in', () => {
  test('unlocks a lock after he was told whom it hits, and the next one has it', async () => {
    const name = uniqueName('unlock')
    const holder = run(name)
    const { url, server } = await startDashboard(agent.address, [...secretOptions(), '--allow-unlock'])
    const { page, complaints } = await openPage(browser, url)
    await page.getByLabel('Secret').fill('wrong')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('That is not the secret.').waitFor()
    await page.getByLabel('Secret').fill(SECRET)
    await page.getByRole('button', { name: 'Sign in' }).click()
    const row = rowOf(page, name)
    await row.getByText(hostname()).first().waitFor()
    const waiter = run(name)
    await row.locator('.queue').getByText('1', { exact: true }).waitFor()
    await page.getByRole('button', { name, exact: true }).click()
    const unlock = page.getByRole('button', { name: new RegExp(`^Unlock… ${name}`) })
    await unlock.click()
    const dialog = page.getByRole('dialog', { name: `Unlock ${name}?` })
    const said = await dialog.innerText()
    expect(said).toContain(hostname())
    expect(said).toContain('is stopped at once')
    expect(said).toMatch(/closed for its lock-delay, \d+s/)
    expect(said).toContain(`Then ${hostname()} is next; 1 waits.`)
    expect(await barriers(page)).toEqual([])
    await picture(page, 'unlock')
    // Enter does nothing to anybody: the focus is on Cancel.
    await page.keyboard.press('Enter')
    await dialog.waitFor({ state: 'detached' })
    expect(holder.locker.hasEnded).toBe(false)
    await unlock.click()
    await dialog.getByRole('button', { name: /^End the session on / }).click()
    await page.getByText(/The session on \S+ has ended/).waitFor()
    expect((await holder.locker.ends()).code).toBe(6)
    await row.getByText('closed', { exact: false }).first().waitFor()
    await row.locator('.bar-running').waitFor({ timeout: 40_000 })
    waiter.end(0)
    expect((await waiter.locker.ends()).code).toBe(0)
    expect(server.stderr).not.toContain(SECRET)
    expect(page.url()).not.toContain(SECRET)
    expect(complaints.filter((text) => !text.includes('403'))).toEqual([])
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Secret').waitFor()
  })

  test('can’t unlock what has been given back while he was reading', async () => {
    const name = uniqueName('late')
    const holder = run(name)
    const { url } = await startDashboard(agent.address, [...secretOptions(), '--allow-unlock'])
    const { page } = await openPage(browser, url)
    await page.getByLabel('Secret').fill(SECRET)
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name, exact: true }).click()
    await page.getByRole('button', { name: new RegExp(`^Unlock… ${name}`) }).click()
    holder.end(0)
    await page.getByText('does not have it any more').waitFor()
    expect(await page.getByRole('button', { name: /^End the session on / }).isDisabled()).toBe(true)
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  })
})
