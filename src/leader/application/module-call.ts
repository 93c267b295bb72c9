import { Failure, messageOf } from '../../base/failure.ts'

/** The functions that an application's module may export. */
const MODULE_FUNCTIONS = [
  'health',
  'ensureMaster',
  'ensureSlave',
  'standBy',
  'reinit',
  'demote',
  'fence',
  'readyToLead',
] as const

export type ModuleFunction = (typeof MODULE_FUNCTIONS)[number]

const REQUIRED: readonly ModuleFunction[] = ['health', 'ensureMaster', 'ensureSlave']

type Module = Readonly<Partial<Record<ModuleFunction, (...args: unknown[]) => unknown>>>

/**
 * Loads an application's module: JavaScript, or TypeScript whose types can just be erased. Throws a `config` failure.
 * `require` takes ES modules, too; an executable like ours has no `import` for files.
 */
export function loadModule(path: string): Module {
  try {
    const loaded = process.getBuiltinModule('node:module').createRequire(path)(path)
    const module = { ...loaded.default, ...loaded }
    const missing = REQUIRED.find((name) => typeof module[name] !== 'function')
    if (missing) throw new Error(`it exports no function ${missing}`)
    return module
  } catch (thrown) {
    throw new Failure('config', `the module ${path} can't be used: ${messageOf(thrown).split('\n', 1)[0]}`, {
      hint: `it exports ${REQUIRED.join(', ')}, and may export standBy, reinit, demote, fence, readyToLead`,
      cause: thrown,
    })
  }
}

/** The names of the functions that a module exports. */
export function functionsOf(module: Module): ModuleFunction[] {
  return MODULE_FUNCTIONS.filter((name) => typeof module[name] === 'function')
}

/** What a call of one of its functions came to. */
export interface ModuleResult {
  readonly ok: boolean
  readonly message: string
}

/**
 * Calls one of a module's functions, as the environment of a call asks: `ensureSlave` and `reinit` get `{host, address,
 * port}`, the others without arguments. `health` gives `{healthy, message}` or `[healthy, message]`; `readyToLead` a
 * boolean or `{ready, message, position}`; of the others, only a rejection is a failure. Never rejects.
 */
export async function callModule(path: string, name: string, environment: NodeJS.ProcessEnv): Promise<ModuleResult> {
  try {
    const call = loadModule(path)[name as ModuleFunction]
    if (!call) return { ok: false, message: `there is no function ${name}` }
    const master = {
      host: environment.CONSUL_LOCKER_MASTER_HOST,
      address: environment.CONSUL_LOCKER_MASTER_ADDRESS,
      port: Number(environment.CONSUL_LOCKER_MASTER_PORT),
    }
    const value = await (name === 'ensureSlave' || name === 'reinit' ? call(master) : call())
    return name === 'health' || name === 'readyToLead' ? judged(value) : { ok: true, message: '' }
  } catch (thrown) {
    return { ok: false, message: messageOf(thrown) }
  }
}

function judged(value: unknown): ModuleResult {
  if (Array.isArray(value)) return { ok: value[0] === true, message: String(value[1] ?? '') }
  if (typeof value !== 'object' || value === null) return { ok: value === true, message: '' }
  const { healthy, ready, message = '', position } = value as Record<string, unknown>
  // As the command's: the last word.
  const words = typeof position === 'bigint' || Number.isSafeInteger(position) ? `${message} ${position}` : `${message}`
  return { ok: healthy === true || ready === true, message: words.trim() }
}
