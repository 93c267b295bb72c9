import { setTimeout } from 'node:timers/promises'
import { queryObjects, startupSnapshot } from 'node:v8'

// This script runs in the Node that makes the start-up snapshot: what is in its heap at the end is what a run begins
// with. It is bundled behind a function that makes an instance of the application.
declare function loadApplication(): Application

interface Application {
  start(): void
  main(words: readonly string[], signal: AbortSignal): Promise<number>
  untie(): void
}

/** Gives the application what isn't part of the snapshot, out of the executable. */
function loadLater(name: string): (...args: unknown[]) => void {
  const text = process.getBuiltinModule('node:sea').getAsset(name, 'utf8')
  const { compileFunction } = process.getBuiltinModule('node:vm')
  return compileFunction(text, ['module', 'exports', 'require'], { filename: `consul-locker/${name}` }) as () => void
}

/** V8 drops compiled code that was not used during this many garbage collections. */
const OLD_AGE = 8

/** Takes the code out of the heap that was compiled and isn't used: Node compiles more of itself than a run needs. */
function age(): void {
  // Its result doesn't matter: it is a documented function that collects the garbage first.
  for (let n = 0; n < OLD_AGE; n++) queryObjects(age, { format: 'count' })
}

/**
 * Runs a command under a lock of the warm-up's agent, with another instance of the application: what was compiled for it
 * stays, for instances share their code; the rest is garbage.
 */
async function warmUp({ main, untie }: Application): Promise<void> {
  const code = await main(['warm-up', 'true'], new AbortController().signal)
  if (code !== 0) throw new Error(`the warm-up ended with ${code}`)
  untie()
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
  // Loaded before the ageing: what runs while modules load will never be needed again.
  const rehearsed = loadApplication()
  age()
  await warmUp(rehearsed)
  await forget()
}

Object.assign(globalThis, { loadLater })
startupSnapshot.setDeserializeMainFunction(loadApplication().start)
prepare().catch((thrown) => {
  console.error(thrown)
  process.exit(1)
})
