import { AsyncLocalStorage } from 'node:async_hooks'
import { onTestFinished, type TestContext } from 'vitest'

const running = new AsyncLocalStorage<TestContext>()

/** Runs a test so that `afterTest` knows it, whatever runs beside it; each-file.ts does so for all. */
export function asItself(test: TestContext, run: () => Promise<void>): Promise<void> {
  return running.run(test, run)
}

/**
 * Cleans up when the test that calls this has ended; at once when it is being cleaned up already, as for what a loop of
 * it starts then. vitest's own `onTestFinished` means the test that began last, which is another one where tests run
 * beside each other.
 */
export function afterTest(cleanUp: () => unknown): void {
  const hook = async () => {
    await cleanUp()
  }
  const test = running.getStore()
  if (!test) {
    onTestFinished(hook)
    return
  }
  try {
    test.onTestFinished(hook)
  } catch {
    // vitest takes none any more.
    void hook()
  }
}
