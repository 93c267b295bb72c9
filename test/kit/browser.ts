import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { chromiumProgram } from '../../scripts/provide/chromium.ts'
import { afterTest } from './after-test.ts'

/** Where tests leave pictures of what they saw; git ignores it. */
const PICTURES = join(import.meta.dirname, '../../dist/pictures')

const AXE = readFileSync(join(import.meta.dirname, '../../node_modules/axe-core/axe.min.js'), 'utf8')

/** A machine that runs other tests, too, shows a page late. */
const PATIENCE_MS = 20_000

/** Starts a headless Chromium without any of the user's settings. */
export async function startBrowser(): Promise<Browser> {
  const { path, env } = await chromiumProgram()
  // As root it has no sandbox; it loads nothing but our own page.
  const args = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage']
  const environment = Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
  return chromium.launch({ executablePath: path, env: environment, args, timeout: 60_000 })
}

/** A page, and what it complained of: errors, and what its policy refused to load or to run. */
export interface OpenPage {
  readonly page: Page
  readonly complaints: string[]
}

/** Opens a page in a window of its own that lives as long as the test, with nobody else's cookies. */
export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
  afterTest(() => context.close())
  context.setDefaultTimeout(PATIENCE_MS)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  await page.goto(url)
  return { page, complaints }
}

/** Keeps a picture of a page. */
export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(PICTURES, { recursive: true })
  await page.screenshot({ path: join(PICTURES, `${name}.png`) })
}

/** What axe finds wrong for people who use the page otherwise. */
export async function barriers(page: Page): Promise<string[]> {
  // The page's policy lets no script in from outside; the browser's own door does.
  const session = await page.context().newCDPSession(page)
  const evaluate = async (expression: string) => {
    const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    })
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
    return result.value
  }
  await evaluate(`${AXE};undefined`)
  const tags = JSON.stringify(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'])
  return evaluate(`axe.run({ runOnly: ${tags} }).then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 120)).slice(0, 3).join(' | ')))`)
}
