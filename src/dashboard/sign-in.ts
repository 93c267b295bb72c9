import { createHmac, randomBytes } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { RateLimit } from '../listen/rate-limit.ts'
import { SharedSecret } from '../listen/shared-secret.ts'

const COOKIE = 'consul-locker-dashboard'
const LASTS_MS = 12 * 3_600_000
/** Of one client: nobody mistypes more often, and whoever guesses gets nowhere. */
const TRIES = { perSecond: 0.2, burst: 10 }

/**
 * Who knows the secret signs in with it, and gets a cookie that lasts half a day, or until this process ends. Nothing
 * is kept of those who are in: the cookie proves itself.
 */
export class SignIn {
  readonly #clock: Clock
  readonly #secret: SharedSecret
  readonly #tries: RateLimit
  readonly #key = randomBytes(32)

  constructor(clock: Clock, secret: string) {
    this.#clock = clock
    this.#secret = new SharedSecret(secret)
    this.#tries = new RateLimit(clock, TRIES.perSecond, TRIES.burst)
  }

  /** The cookie to set for whoever gives this secret; `undefined` when it is wrong. */
  enter(peer: string, said: string): string | 'too often' | undefined {
    if (!this.#tries.allows(peer)) return 'too often'
    if (!this.#secret.fits(said)) return undefined
    const pass = `${this.#clock.now().wallMs + LASTS_MS}.${randomBytes(16).toString('hex')}`
    return cookie(`${pass}.${this.#proof('pass', pass)}`, LASTS_MS)
  }

  /** What takes the cookie away. */
  get leaving(): string {
    return cookie('', 0)
  }

  /** Who these cookies prove to be in, as a word that is his alone; `undefined` when nobody. */
  whoIs(cookies: string | undefined): string | undefined {
    const [, pass, proof] =
      new RegExp(`(?:^|; )${COOKIE}=(\\d+\\.[0-9a-f]+)\\.([0-9a-f]{64})(?:;|$)`).exec(cookies ?? '') ?? []
    if (pass === undefined || proof === undefined) return undefined
    if (!isSame(this.#proof('pass', pass), proof)) return undefined
    return Number(pass.split('.')[0]) > this.#clock.now().wallMs ? pass : undefined
  }

  /** What a page must show with a POST, to prove that it could read what we told it. */
  pageKey(who: string): string {
    return this.#proof('page', who)
  }

  isPageKey(who: string, key: string): boolean {
    return isSame(this.pageKey(who), key)
  }

  #proof(of: 'pass' | 'page', text: string): string {
    return createHmac('sha256', this.#key).update(`${of} ${text}`).digest('hex')
  }
}

function cookie(value: string, ms: number): string {
  return `${COOKIE}=${value}; Path=/; Max-Age=${ms / 1000}; HttpOnly; SameSite=Lax`
}

function isSame(one: string, other: string): boolean {
  return new SharedSecret(one).fits(other)
}
