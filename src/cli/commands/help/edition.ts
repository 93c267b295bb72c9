import type { Edition } from './roff-page.ts'

declare const CONSUL_LOCKER_VERSION: string | undefined
declare const CONSUL_LOCKER_DATE: string | undefined

/** What the build has put in: the version, and the day of the commit. */
export function edition(): Edition {
  return {
    version: typeof CONSUL_LOCKER_VERSION === 'string' ? CONSUL_LOCKER_VERSION : 'unbuilt',
    date: typeof CONSUL_LOCKER_DATE === 'string' ? CONSUL_LOCKER_DATE : '',
  }
}
