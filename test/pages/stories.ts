import { CRON } from './cron.ts'
import { DEPLOY } from './deploy.ts'
import { INSTALL } from './install.ts'
import { LEADER } from './leader.ts'
import { OPERATIONS } from './operations.ts'
import { RIGHTS } from './rights.ts'
import { SAFETY } from './safety.ts'
import type { Story } from './story.ts'
import { CI, file, node, pasted } from './world.ts'

const NPM = 'test/kit/npm-packages.ts'
const CLONE = 'it is for a clone beside a program; test/slow/library/package.test.ts installs what is packed'

const ROLLOUT = pasted('docs/rollout.md', 'yaml')

/** A handler of an application that does whatever it is told. */
const APPLICATION = `name: app
port: 4000
health: { command: ['true'] }
ensure_master: ['true']
ensure_slave: ['true']
demote: ['true']
`

/** How a page's commands are run as they stand there; each page with commands has its story. */
export const STORIES: Readonly<Record<string, Story>> = {
  'README.md': {
    own: ['bootstrap.sh', 'report.sh', 'deploy'],
    pastes: {
      'consul-locker mongodb': { prints: /^bootstrap\.sh$/m },
      'consul-locker --slot': { prints: /^report\.sh$/m },
      'consul-locker --wait': { prints: /^deploy$/m },
      'DEBUG=true': { prints: /PUT .*consul-locker-test/ },
    },
    elsewhere: { 'npm ci && npm run demo': 'test/slow/release/whole/demo.test.ts' },
    never: { 'npm ci && npm run build': CI, 'npm ci && npm test': CI, 'npm run test:slow': CI },
  },
  'docs/bootstrap.md': {
    own: ['start-app', 'import', 'repair', 'report', 'bootstrap-db'],
    world: `consul services register -name=mysql; consul services register -name=db -tag=primary
      consul kv put schema/version 42; echo 127.0.0.1 db >>/etc/hosts
      ${node('net.createServer((s) => s.destroy()).listen(3306)')}`,
    pastes: {
      'consul-locker wait service:mysql': { prints: /^start-app$/m },
      'consul-locker wait --timeout': { prints: /^import$/m },
      'consul-locker wait --once': { prints: /^repair$/m },
      'consul-locker --gate': { prints: /^report$/m },
      'consul-locker --release-when': { prints: /^bootstrap-db$/m },
    },
  },
  'docs/completion.md': {
    pastes: {
      'source <(consul-locker completion bash)': { after: 'complete -p consul-locker >&2' },
      'consul-locker help': { prints: /^ +leader/m },
      'consul-locker help run': { prints: /--kill-after/ },
      'consul-locker help --roff': { after: 'grep -q "^[.]TH" ~/.local/share/man/man1/consul-locker-run.1' },
    },
    elsewhere: {
      'source <(consul-locker completion zsh)': 'test/slow/completion.test.ts',
      'consul-locker completion fish | source': 'test/slow/completion.test.ts',
    },
  },
  'docs/cron.md': CRON,
  'docs/dashboard.md': {
    pastes: {
      'consul-locker dashboard': { serves: /http:\/\/127\.0\.0\.1:8520/, after: 'curl -sf http://127.0.0.1:8520/' },
      'consul-locker dashboard --listen': {
        serves: /http:\/\/10\.0\.0\.5:8520/,
        after: `[ "$(curl -so /dev/null -w '%{http_code}' http://10.0.0.5:8520/)" = 303 ]`,
      },
    },
    never: { 'ssh ': 'it is for a second machine, with an sshd' },
  },
  'docs/deploy.md': DEPLOY,
  'docs/dev.md': {
    consul: 'none',
    own: ['report.sh', 'npm', 'make'],
    pastes: {
      'consul-locker dev ': { serves: /127\.0\.0\.1:8500/ },
      'consul-locker dev &': {},
      'consul-locker dev -- npm': { prints: /^npm$/m },
      'consul-locker dev -- make': { prints: /^make$/m },
      'consul-locker dev --data': {
        serves: /127\.0\.0\.1:8500/,
        after: 'consul kv put a b; test -s consul/consul.json',
      },
      'consul-locker dev --dns': { serves: /127\.0\.0\.1:8600/ },
      // What it has started goes on for a while, at the port of the next ones.
      'consul-locker --dev report': {
        prints: /^report\.sh$/m,
        after: 'kill -KILL $(pidof consul-locker); while curl -s http://127.0.0.1:8500; do sleep 0.1; done; true',
      },
    },
  },
  'docs/discovery.md': {
    world: node('http.createServer((_, answer) => answer.end()).listen(9200)'),
    pastes: {
      'consul-locker monitor': { serves: /is up\n/, stays: true },
      'consul-locker hosts --label es --port': { prints: /^127\.0\.0\.1:9300$/m },
      'consul-locker hosts --label es --watch': {
        serves: /es\.hosts has other hosts now\n/,
        code: 143,
        after: 'grep -qx 127.0.0.1 /etc/es.hosts',
      },
      'consul-locker discovery serve': { serves: /serving discovery tokens at/, stays: true },
      'consul-locker discovery lookup': { prints: /^127\.0\.0\.1:8300$/m },
    },
  },
  'docs/init.md': { pastes: { 'consul kv put': { after: 'consul kv get cluster/production/myserviceConsulName' } } },
  'docs/install.md': INSTALL,
  'docs/internals.md': { never: { 'curl ': 'it gets 50 MB from nodejs.org' } },
  'docs/leader.md': LEADER,
  'docs/leader-handlers.md': {
    world: file('app.yaml', APPLICATION),
    pastes: { 'consul-locker leader test': { types: 'y', prints: / ok, 0 failed/ } },
  },
  'docs/library.md': {
    elsewhere: { 'npm install consul-locker': NPM, 'npm install --global': NPM },
    never: { 'npm ci': CLONE, 'npm install ../': CLONE },
  },
  'docs/metrics.md': {
    world: `mkdir -p /var/lib/prometheus/node-exporter; ${file('/etc/rollout.yaml', ROLLOUT)}`,
    pastes: {
      'consul-locker metrics': {
        serves: /http:\/\/127\.0\.0\.1:9570/,
        after: 'curl -sf http://127.0.0.1:9570/metrics | grep -q "^consul_locker_up 1"',
      },
      'consul-locker metrics --once': { prints: /^consul_locker_holders 0$/m },
      'consul-locker metrics --once >': {
        after: 'grep -q ^consul_locker /var/lib/prometheus/node-exporter/locks.prom',
      },
      'consul-locker metrics --listen': {
        serves: /http:\/\/10\.0\.0\.5:9570/,
        after: `[ "$(curl -so /dev/null -w '%{http_code}' http://10.0.0.5:9570/metrics)" = 401 ]`,
      },
    },
  },
  'docs/operations.md': OPERATIONS,
  'docs/rights.md': RIGHTS,
  'docs/rollout.md': {
    world: `mkdir -p /etc/rollout/tests; ${file('/etc/rollout/rollout.yaml', ROLLOUT)}`,
    pastes: { 'consul-locker rollout trigger': { after: 'consul-locker rollout pending' } },
  },
  'docs/run.md': {
    own: ['reindex.sh', 'read.sh', 'rebuild.sh', 'deploy.sh'],
    pastes: {
      'consul-locker --slots': { prints: /^reindex\.sh$/m },
      'consul-locker slots reindex 5': {
        before: `consul-locker --slots 3 reindex sleep 600 >slots 2>&1 &
          until consul-locker slots reindex | grep -q '1 of 3'; do sleep 0.1; done`,
        prints: /^reindex has 5 slots$/m,
      },
      'consul-locker --shared': { prints: /^read\.sh$/m },
      'consul-locker report': { prints: /^rebuild\.sh$/m },
      'consul-locker --also': { prints: /^deploy\.sh$/m },
    },
  },
  'docs/safety.md': SAFETY,
}
