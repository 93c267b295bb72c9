// The walls of the house: who may import whom. Everything points downwards.
const modes = ['run', 'leader', 'switchover', 'init', 'discovery', 'rollout', 'devagent']
const mode = `^src/(${modes.join('|')})/`

const shared = '(base|consul|lock|child|config|gate|host|listen|probe|schedule)/'

/** What reads the files of the modes, and the history of runs. */
const ofFiles = [
  'run/history/',
  'leader/(leader-file|leader-timing|application/command-line|guardian/watchdog-plan)[.]ts$',
  'init/(init-file|fence-command|service-command)[.]ts$',
  'rollout/(rollout-file|host-role|role-check)[.]ts$',
].join('|')

/** One wall: files below `from` import nothing below any of `to`. */
const wall = (name, from, to) => ({ name, severity: 'error', from: { path: from }, to: { path: to } })

/** A module that has one owner: nobody else imports it. */
const owned = (name, module, owner) => ({
  name,
  severity: 'error',
  from: { path: '^src/', pathNot: owner },
  to: { path: module },
})

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'resolvable', severity: 'error', from: { path: '^src/' }, to: { couldNotResolve: true } },
    {
      name: 'production-only',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg'] },
    },
    wall('base-is-the-ground', '^src/base/', '^src/(?!base/)'),
    wall('consul-knows-no-locks', '^src/consul/', '^src/(?!base/|consul/)'),
    wall('lock-knows-no-processes', '^src/lock/', '^src/(?!base/|consul/|lock/)'),
    wall('child-knows-no-consul', '^src/child/', '^src/(?!base/|host/|child/)'),
    wall('host-knows-no-consul', '^src/host/', '^src/(?!base/|host/)'),
    wall('config-knows-files-only', '^src/config/', '^src/(?!base/|config/)'),
    wall('schedule-knows-words-only', '^src/schedule/', '^src/(?!base/|schedule/)'),
    wall('probe-knows-no-consul', '^src/probe/', '^src/(?!base/|child/|probe/)'),
    wall('listen-knows-requests-only', '^src/listen/', '^src/(?!base/|listen/)'),
    wall('gate-is-no-mode', '^src/gate/', '^src/(?!base/|consul/|child/|probe/|gate/)'),
    wall('the-leader-machine-is-pure', '^src/leader/machine/', '^(?!src/leader/machine/|assert$)'),
    wall(
      'overview-knows-what-is-stored',
      '^src/overview/',
      '^src/(?!base/|consul/|lock/|run/history/|leader/cluster/|rollout/|switchover/|overview/)',
    ),
    wall('unlock-starts-nothing', '^src/unlock/', '^src/(?!base/|consul/|lock/|overview/|unlock/)'),
    wall('library-looks-down', '^src/library/', '^src/(?!base/|host/|consul/|lock/|gate/|discovery/|run/|library/)'),
    wall('nobody-below-knows-the-library', '^src/(?!library/)', '^src/library/'),
    wall(
      'nobody-below-knows-the-overview',
      '^src/(?!doctor/|cli/|overview/|unlock/|dashboard/)[^/]+/',
      '^src/overview/',
    ),
    wall(
      'dashboard-shows-what-the-overview-knows',
      '^src/dashboard/(?!page/)',
      '^src/(?!base/|consul/|lock/|run/history/|leader/cluster/|overview/|unlock/|listen/|dashboard/)|^src/dashboard/page/',
    ),
    wall(
      'the-page-runs-in-a-browser',
      '^src/dashboard/page/',
      '^(?!src/dashboard/|src/base/duration[.]ts|node_modules/preact/)',
    ),
    wall('nobody-below-knows-the-dashboard', '^src/(?!cli/|dashboard/)[^/]+/', '^src/dashboard/'),
    wall('modes-look-down', mode, '^src/(cli/|main[.]ts)'),
    wall('doctor-reads-what-is-written', '^src/doctor/', `^src/(?!doctor/|overview/|${shared}|${ofFiles})`),
    wall('nobody-below-knows-the-doctor', '^src/(?!cli/|doctor/)', '^src/doctor/'),
    {
      name: 'modes-are-strangers',
      severity: 'error',
      from: { path: `^src/(${modes.filter((m) => m !== 'init').join('|')})/` },
      to: { path: mode, pathNot: '^src/$1/' },
    },
    wall(
      'init-knows-switchover-only',
      '^src/init/',
      `^src/(${modes.filter((m) => m !== 'init' && m !== 'switchover').join('|')})/`,
    ),
    {
      name: 'only-main-imports-cli',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(main[.]ts|cli/)' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'commands-are-strangers',
      severity: 'error',
      from: { path: '^src/cli/commands/([^/]+)/' },
      to: { path: '^src/cli/commands/', pathNot: '^src/cli/commands/$1/' },
    },
    wall('syntax-knows-words-only', '^src/cli/syntax/', '^src/(?!base/|cli/syntax/)'),
    wall('options-know-no-connection', '^src/cli/options/', '^src/cli/(?!options/|syntax/)'),
    wall('only-the-table-knows-commands', '^src/cli/(?!commands/)[^/]+/', '^src/cli/commands/'),
    owned('yargs-in-one-file', 'node_modules/yargs', '^src/cli/syntax/parser[.]ts$'),
    owned('undici-in-transport', 'node_modules/undici', '^src/consul/(exchange|transport)[.]ts$'),
    owned('signal-exit-in-child', 'node_modules/signal-exit', '^src/child/'),
    owned('timers-in-clock', '^(node:)?timers(/promises)?$', '^src/base/clock[.]ts$'),
    wall('scripts-know-no-application', '^scripts/(?!release/)', '^(src|build|test)/'),
    wall('release-knows-the-build', '^scripts/release/', '^(src|test)/'),
    wall('provide-knows-no-script', '^scripts/provide/', '^scripts/(?!provide/)'),
    wall('stage-knows-no-script', '^scripts/stage/', '^scripts/(?!provide/|stage/)'),
    {
      name: 'scripts-are-strangers',
      severity: 'error',
      from: { path: '^scripts/(bench|chaos|demo|drawings|failover|pictures|release|site)/' },
      to: { path: '^scripts/', pathNot: '^scripts/(provide|stage|$1)/' },
    },
    wall('application-knows-no-tools', '^src/', '^(build|scripts|test)/'),
    wall('build-knows-entries-only', '^build/(?!main/)', '^(scripts|test|src/(?!devagent/|base/clock|consul/wire))'),
    wall('virtual-starts-nothing', '^test/virtual/', '^(build|scripts|test/(?!virtual/))'),
    wall('simulation-starts-nothing', '^test/simulation/', '^(build|scripts|test/(?!virtual/|simulation/))'),
    wall('unit-starts-nothing', '^test/unit/', '^test/(?!unit/|virtual/|kit/(unique|processes)[.]ts$)'),
    wall('unit-knows-its-subject', '^test/unit/(?!build/|scripts/)', '^(build|scripts)/'),
    wall('contract-starts-nothing', '^test/contract/(?!(real|dev)[.])', '^(build|scripts|test/(?!contract/|virtual/))'),
    wall('kit-looks-from-outside', '^test/kit/', '^(src|build)/'),
    wall('one-door-to-scripts', '^test/(?!(unit|integration|slow)/scripts/|slow/release/)', '^scripts/(?!provide/)'),
    wall('only-tests-of-the-build-import-it', '^test/(?!structure/|(unit|integration|slow)/build/)', '^build/'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.mjs', '.js'],
    },
  },
}
