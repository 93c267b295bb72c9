import { execFile } from 'node:child_process'
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import type { Application } from './bundle.ts'
import { thinCodeCache } from './code-cache.ts'
import { copyStripped, embeddedNode } from './embedded-node.ts'
import { refuseUnproven } from './proven.ts'
import { snapshotIn } from './sea-blob.ts'
import { HERE, type Target } from './target.ts'

const run = promisify(execFile)

/** Flags that the executable runs with, for good: `node --v8-options` tells more of them. */
export const FLAGS = [
  // The hash tables in the snapshot keep the seed that they were made with: making them anew costs 3 to 4 ms. Who can
  // choose keys could make them collide; ours come from the user himself, from his Consul, and in small numbers from
  // strangers (docs/internals.md).
  '--no-rehash-snapshot',
  // A run is over before optimised code would pay; waiting takes no time to speak of.
  '--no-opt',
  '--no-maglev',
  '--no-sparkplug',
  // Regular expressions are interpreted: most of them are used a few times, and neither their machine code nor a second
  // pass over their bytecode would pay.
  '--regexp-tier-up-ticks=1000',
  '--no-regexp-peephole-optimization',
  // One thread beside the main one, instead of four. (No --disable-sigusr1: it blocks the signal, and none would reach
  // the command.)
  '--v8-pool-size=1',
  // Without it a broken openssl.cnf of the machine's, or one that the user may not read, ends Node before our first
  // line.
  '--openssl-config=/dev/null',
  // A USR1 that comes before we listen for it would open Node's debugger to all users of the machine. Nobody can listen
  // on this address, and the debugger's own words are none of the command's.
  '--inspect-port=255.255.255.255:1024',
  '--inspect-publish-uid=http',
]

/** Node's modules that only runs with TLS load: without their compiled code these would take longer. */
const FOR_TLS = /crypto|tls/

/** What the waiters of the warm-up say. */
const WAITING = /^consul-locker: waiting for warm-up: .*\n/gm

/** It takes seconds, and many times that on a busy machine. */
const WARM_UP_LIMIT_MS = 300_000

/**
 * Makes the executable of `work/main.cjs`, which is run against the agent at this address, and of what it loads later.
 * Settles with its path.
 */
export async function makeExecutable(
  work: string,
  later: Application['later'],
  agent: string,
  target: Target,
): Promise<string> {
  refuseUnproven()
  await embeddedNode(`${work}/node`, target)
  // Nothing of our environment may find its way into the snapshot.
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', CONSUL_HTTP_ADDR: agent }
  return inject(work, later, target, { useSnapshot: true, execArgv: FLAGS }, env)
}

/**
 * Makes an executable with what Node's documentation promises, and nothing else: it starts later and fits fewer
 * machines, but any Node that can make executables will do. Settles with its path.
 */
export async function makePlainExecutable(work: string, later: Application['later']): Promise<string> {
  await copyStripped(`${work}/node`)
  return inject(work, later, HERE, {}, {})
}

interface Start {
  readonly useSnapshot?: boolean
  readonly execArgv?: readonly string[]
}

async function inject(
  work: string,
  later: Application['later'],
  target: Target,
  start: Start,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const node = `${work}/node`
  const settings = {
    main: 'main.cjs',
    output: `${work}/injected`,
    executable: node,
    disableExperimentalSEAWarning: true,
    // Whole paths: the working directory is another one by the time that they are read.
    assets: Object.fromEntries([...later.keys()].map((name) => [name, `${work}/${name}`])),
    // A user's NODE_OPTIONS is meant for the command, not for us.
    execArgvExtension: 'none',
    ...start,
  }
  for (const [name, text] of later) writeFileSync(`${work}/${name}`, text)
  writeFileSync(`${work}/sea.json`, JSON.stringify(settings))
  // The flags here, too: one that this Node doesn't know fails now and not at the users'.
  // The internals for what the snapshot rehearses of Node's own start.
  const flags = [...(start.execArgv ?? []), '--no-warnings', ...(start.useSnapshot ? ['--expose-internals'] : [])]
  const [program = node, ...words] = [...target.through, node, ...flags, '--build-sea', 'sea.json']
  const { stderr } = await run(program, words, {
    cwd: work,
    env,
    timeout: WARM_UP_LIMIT_MS,
  })
  if (stderr.replaceAll(WAITING, '') !== '') throw new Error(stderr)
  if (start.useSnapshot) thin(`${work}/injected`)
  // The injection leaves the file in huge page-cache folios, which count as memory of every process; a copy doesn't.
  copyFileSync(`${work}/injected`, `${work}/consul-locker`)
  chmodSync(`${work}/consul-locker`, 0o755)
  return `${work}/consul-locker`
}

/** Takes out of an executable, in place, what its snapshot would copy at each start for no use. */
function thin(executable: string): void {
  const bytes = readFileSync(executable)
  thinCodeCache(snapshotIn(bytes), (name) => FOR_TLS.test(name))
  writeFileSync(executable, bytes)
}
