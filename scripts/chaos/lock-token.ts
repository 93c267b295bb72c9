import { renameSync, writeFileSync } from 'node:fs'
import type { ConsulOperator } from './consul-operator.ts'

/** The token file of everybody who contends, with a token that may do no more than a contender has to. */
export class LockToken {
  readonly file: string
  readonly #operator: ConsulOperator
  readonly #rules: string
  #accessor = ''

  private constructor(operator: ConsulOperator, rules: string, file: string) {
    this.#operator = operator
    this.#rules = rules
    this.file = file
  }

  /** Makes the first token and writes it to `file`. */
  static async issue(operator: ConsulOperator, rules: string, file: string): Promise<LockToken> {
    const token = new LockToken(operator, rules, file)
    await token.#renew()
    return token
  }

  /** Puts another token into the file and takes the old one's rights away: what a secrets manager does at night. */
  async rotate(): Promise<void> {
    const old = this.#accessor
    await this.#renew()
    await this.#operator.deleteToken(old)
  }

  async #renew(): Promise<void> {
    const { AccessorID, SecretID } = await this.#operator.makeToken(this.#rules)
    writeFileSync(`${this.file}.new`, SecretID, { mode: 0o600 })
    renameSync(`${this.file}.new`, this.file)
    this.#accessor = AccessorID
  }
}
