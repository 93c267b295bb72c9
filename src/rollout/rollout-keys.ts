import { Failure } from '../base/failure.ts'
import { quoted } from '../base/printable.ts'

/** Ours, beside the original's keys. */
const OWN_FOLDER = 'consul-locker-rollout'
const MAX_WORD = 128

/** Where a rollout's keys are: those of JioCloud's orchestrator, and a folder of ours. */
export class RolloutKeys {
  readonly #prefix: string

  /** `prefix` is put before all keys; empty, or a folder. Throws a `usage` failure. */
  constructor(prefix = '') {
    const folder = prefix.replace(/\/$/, '')
    if (prefix !== '') for (const part of folder.split('/')) checkKeyWord('prefix', part)
    this.#prefix = prefix === '' ? '' : `${folder}/`
  }

  /** The version that all hosts shall run. */
  get current(): string {
    return `${this.#prefix}current_version`
  }

  /** Below it `<version>/<host>`: who runs what. */
  get running(): string {
    return `${this.#prefix}running_version/`
  }

  runningOf(version: string, host: string): string {
    return `${this.running}${version}/${host}`
  }

  /**
   * Below it `global/enable_puppet`, `role/<role>/enable_puppet` and `host/<host>/enable_puppet`, as the original's
   * `enable_puppet` writes and its nodes read. Its `upgrade` program writes `enable_puppet/global` and so on instead,
   * which none of its nodes reads.
   */
  get config(): string {
    return `${this.#prefix}config_state/`
  }

  /** Below it is what the original has no keys for. */
  get own(): string {
    return `${this.#prefix}${OWN_FOLDER}/`
  }

  /** Below it `<host>`: which version failed there, and why. */
  get failed(): string {
    return `${this.own}failed/`
  }

  failedOn(host: string): string {
    return `${this.failed}${host}`
  }

  /** Below it `<host>`: the upgrade that has begun there and has not come to its good end. */
  get inProgress(): string {
    return `${this.own}in-progress/`
  }

  inProgressOn(host: string): string {
    return `${this.inProgress}${host}`
  }

  /** Below it `<host>`: its node's name, where that is another one. */
  get nodes(): string {
    return `${this.own}nodes/`
  }

  nodeOf(host: string): string {
    return `${this.nodes}${host}`
  }

  /** The version that nothing but limits and pauses keeps a host from. */
  get forced(): string {
    return `${this.own}forced`
  }

  /** Everything that a step may hold. */
  get slots(): string {
    return `${this.own}slots/`
  }

  get clusterSlots(): string {
    return `${this.slots}cluster`
  }

  roleSlots(role: string): string {
    return `${this.slots}role/${role}`
  }

  /** One step of a host at a time. */
  hostSlots(host: string): string {
    return `${this.slots}host/${host}`
  }
}

/** Checks a word that becomes a part of a key: a version, a host, a role. Throws a `usage` failure. */
export function checkKeyWord(what: string, word: string): string {
  const fault = keyWordFault(word)
  if (fault === undefined) return word
  throw new Failure('usage', `the ${what} ${quoted(word)} ${fault}`, {
    hint: 'letters, digits and . _ + ~ : - are fine',
  })
}

/** Why a word can't be a part of a key; `undefined` when it can. Commands get it, so it never looks like an option. */
export function keyWordFault(word: string): string | undefined {
  if (word === '') return 'is empty'
  if (word.length > MAX_WORD) return `has ${word.length} characters; ${MAX_WORD} are the most`
  const odd = /[^A-Za-z0-9._+~:-]/u.exec(word)
  if (odd) return `has the character ${JSON.stringify(odd[0])} in it`
  if (word.startsWith('-')) return 'begins with a dash, as options do'
  return word === '.' || word === '..' ? 'is no name' : undefined
}
