// The walls of the house: who may import whom. Everything points downwards.
const modes = ['run', 'leader', 'switchover', 'init', 'discovery', 'rollout', 'operate', 'devagent']
const mode = `^src/(${modes.join('|')})/`

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
    wall('probe-knows-no-consul', '^src/probe/', '^src/(?!base/|child/|probe/)'),
    wall('listen-knows-requests-only', '^src/listen/', '^src/(?!base/|listen/)'),
    wall('gate-is-no-mode', '^src/gate/', '^src/(?!base/|consul/|child/|probe/|gate/)'),
    wall('modes-look-down', mode, '^src/(cli/|main[.]ts)'),
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
    owned('yargs-in-cli', 'node_modules/yargs', '^src/cli/'),
    owned('undici-in-transport', 'node_modules/undici', '^src/consul/(exchange|transport)[.]ts$'),
    owned('signal-exit-in-child', 'node_modules/signal-exit', '^src/child/'),
    owned('timers-in-clock', '^(node:)?timers(/promises)?$', '^src/base/clock[.]ts$'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.mjs', '.js'],
    },
  },
}
