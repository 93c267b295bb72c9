import type { Reporter, TestModule } from 'vitest/node'

/** Ends a run with one line that any machine understands. */
export default class Tally implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const states = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.result().state))
    const count = (state: string) => states.filter((s) => s === state).length
    const broken = modules.filter((module) => module.state() === 'failed' && module.errors().length > 0).length
    const skipped = count('skipped') + count('pending')
    const tally = `${count('passed')} passed, ${count('failed') + broken + errors.length} failed`
    process.stdout.write(`${tally}${skipped > 0 ? `, ${skipped} skipped` : ''}\n`)
  }
}
