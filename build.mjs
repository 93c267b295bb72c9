// Builds dist/consul-locker: the application in a start-up snapshot, embedded in the pinned Node.
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { bundleApplication, bundleBuilder } from './build/bundle.ts'
import { makeExecutable } from './build/executable.ts'
import { startWarmUpAgent } from './build/warm-up-agent.ts'

const dist = fileURLToPath(new URL('dist', import.meta.url))

// Several builds may run at once (two test runs in one checkout): each in a folder of its own, the last step a rename.
const work = `${dist}/build-${process.pid}`
mkdirSync(work, { recursive: true })
const agent = await startWarmUpAgent()
try {
  const application = await bundleApplication()
  await bundleBuilder(application, `${work}/main.cjs`)
  renameSync(await makeExecutable(work, application.later, agent.address), `${dist}/consul-locker`)
} finally {
  agent.stop()
  rmSync(work, { recursive: true, force: true })
}
