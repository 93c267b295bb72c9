import { existsSync } from 'node:fs'

/** What a reader is about to do, and the pages for it, in the order in which one reads them. */
const JOBS: readonly (readonly [job: string, pages: readonly string[]])[] = [
  ['Start', ['README.md', 'docs/install.md', 'docs/dev.md', 'docs/faq.md', 'docs/completion.md']],
  ['Run jobs', ['docs/run.md', 'docs/cron.md', 'docs/deploy.md', 'examples/README.md']],
  [
    'Start clusters',
    ['docs/bootstrap.md', 'docs/init.md', 'examples/init/README.md', 'docs/discovery.md', 'examples/solr/README.md'],
  ],
  [
    'Fail over',
    [
      'docs/leader.md',
      'examples/redis-failover/README.md',
      'examples/postgres-failover/README.md',
      'docs/leader-postgres.md',
      'examples/mysql-failover/README.md',
      'docs/leader-handlers.md',
    ],
  ],
  ['Bring a new version', ['docs/rollout.md', 'examples/elasticsearch-units/README.md']],
  ['Keep it running', ['docs/operations.md', 'docs/dashboard.md', 'docs/troubleshooting.md', 'docs/metrics.md']],
  ['Allow and trust', ['docs/rights.md', 'docs/safety.md', 'docs/kv-layout.md', 'SECURITY.md']],
  ['Come from elsewhere', ['docs/migration.md', 'docs/upgrading.md', 'CHANGELOG.md']],
  ['Program', ['docs/library.md']],
  [
    'Look inside',
    ['docs/ARCHITECTURE.md', 'docs/internals.md', 'docs/benchmarks.md', 'docs/mutants.md', 'CONTRIBUTING.md'],
  ],
]

/** A group of the navigation; its pages are Markdown files, from the root of the project. */
export interface Job {
  readonly job: string
  readonly pages: readonly string[]
}

/**
 * The navigation of the site. Pages that no job names stand at its end, so that a new page is found before somebody has
 * thought of its place. Throws when a job names a page that isn't there.
 */
export function navigation(documents: readonly string[]): Job[] {
  const jobs = JOBS.map(([job, pages]) => ({ job, pages }))
  const named = jobs.flatMap(({ pages }) => pages)
  const gone = named.filter((page) => !existsSync(page))
  if (gone.length > 0) throw new Error(`The navigation names what isn't there: ${gone.join(', ')}.`)
  const others = documents.filter((page) => !named.includes(page))
  return others.length > 0 ? [...jobs, { job: 'More', pages: others }] : jobs
}
