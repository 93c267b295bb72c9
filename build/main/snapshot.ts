import { setTimeout } from 'node:timers/promises'
import { getHeapCodeStatistics, queryObjects, setFlagsFromString, startupSnapshot } from 'node:v8'
import { loadLater } from './load-later.ts'

// This script runs in the Node that makes the start-up snapshot: what is in its heap at the end is what a run begins
// with. It is bundled behind a function that makes an instance of the application.
declare function loadApplication(): Application

type Application = typeof import('./application-bundle.ts')

/** Of the compiled code, only what is running at the moment stays. */
const REST = 1 / 10

/**
 * Takes the compiled code out of the heap: Node compiles more of itself than a run needs. What the warm-up needs is
 * compiled again, and stays. Throws when this V8 keeps it.
 */
function forgetCode(): void {
  const before = codeSize()
  setFlagsFromString('--stress-flush-code')
  // Its result doesn't matter: it is a documented function that collects the garbage first.
  queryObjects(forgetCode, { format: 'count' })
  setFlagsFromString('--no-stress-flush-code')
  if (codeSize() > before * REST) throw new Error(`of ${before} bytes of compiled code ${codeSize()} are left`)
}

/** In bytes. */
function codeSize(): number {
  return getHeapCodeStatistics().bytecode_and_metadata_size
}

/** Of Node's own modules, what is used here of the one by which it prepares itself at each start. */
interface PreExecution {
  prepareMainThreadExecution(expandsArgv1: boolean): void
}

/**
 * Has Node prepare itself as it will when a run begins, before our first line: its functions are compiled then, too.
 */
function rehearseStart(): void {
  const internals = process.getBuiltinModule('internal/process/pre_execution') as unknown as PreExecution
  internals.prepareMainThreadExecution(false)
}

/** Long enough for all that begins a while after the command. */
const HOLD = ['sleep', '0.3']

/**
 * Runs three commands under one lock of the warm-up's agent, so that one waits for the holder and one for the other
 * waiter, with another instance of the application: what was compiled for it stays, for instances share their code; the
 * rest is garbage.
 */
async function warmUp({ keepOutOfCores, main, forgetKillAtExit }: Application): Promise<void> {
  // As at a start; the command's cores are part of its launch, then.
  keepOutOfCores()
  const { signal } = new AbortController()
  const commands = [HOLD, ['true'], ['true']]
  const codes = await Promise.all(commands.map((command) => main(['warm-up', ...command], signal)))
  if (codes.some((code) => code !== 0)) throw new Error(`the warm-up ended with ${codes.join(' and ')}`)
  forgetKillAtExit()
  for (const name of process.eventNames()) if (String(name).startsWith('SIG')) process.removeAllListeners(name)
}

/** The warm-up's agent has undici let go of its connection after 1 s. */
const IDLE_MS = 1500

/** Node keeps things in its own modules that hold for one process only. */
async function forget(): Promise<void> {
  // When the next timer is due, and the timers of each length. A run would believe in them, and set no alarm for timers
  // that are due later or as long. Node drops a list when it is due: the last is undici's, of the idle connection.
  await setTimeout(IDLE_MS)
  // The working directory.
  process.chdir('/')
}

/** Settles when the heap is what a run is to begin with. */
async function prepare(): Promise<void> {
  // Loaded before the code is forgotten: what runs while modules load will never be needed again.
  const rehearsed = loadApplication()
  forgetCode()
  rehearseStart()
  await warmUp(rehearsed)
  await forget()
}

/**
 * Has the run begin with nothing in `process.env`, until Node is ready: it would take the user's NODE_CHANNEL_FD for
 * ours, or its NODE_UNIQUE_ID, NODE_DEBUG and the like (build/node-variables.ts has those that it reads elsewhere).
 */
function hideEnvironment(start: () => void): void {
  const { env } = process
  process.env = {}
  startupSnapshot.setDeserializeMainFunction(() => {
    process.env = env
    start()
  })
}

Object.assign(globalThis, { loadLater })
const { start } = loadApplication()
prepare()
  .then(() => hideEnvironment(start))
  .catch((thrown) => {
    console.error(thrown)
    process.exit(1)
  })
