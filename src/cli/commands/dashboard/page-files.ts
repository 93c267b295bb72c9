import type { PageFiles } from '../../../dashboard/page-html.ts'

declare const CONSUL_LOCKER_PAGE_SCRIPT: string
declare const CONSUL_LOCKER_PAGE_STYLE: string

/** What the build puts in: it bundles `src/dashboard/page/`. */
export function pageFiles(): PageFiles {
  return { script: CONSUL_LOCKER_PAGE_SCRIPT, style: CONSUL_LOCKER_PAGE_STYLE }
}
