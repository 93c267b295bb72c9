// Builds dist/consul-locker: the application in a start-up snapshot, embedded in the pinned Node. With --plain it builds
// dist/consul-locker-plain, without all that Node's documentation doesn't promise: docs/internals.md. What is there already
// and was made of the same is left as it is.
import { mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { bundleApplication, bundleMain } from './build/bundle.ts'
import { makeExecutable, makePlainExecutable } from './build/executable.ts'
import { fingerprint, isMadeOf, remember } from './build/fingerprint.ts'
import { parserInJavaScript } from './build/parser.ts'
import { slim } from './build/slim.ts'
import { startWarmUpAgent } from './build/warm-up-agent.ts'

const dist = fileURLToPath(new URL('dist', import.meta.url))

// Several builds may run at once (two test runs in one checkout): each in a folder of its own, the last step a rename.
const work = `${dist}/build-${process.pid}`

async function build() {
  const application = await bundleApplication(parserInJavaScript, slim)
  await bundleMain('snapshot', application, `${work}/main.cjs`)
  const executable = `${dist}/consul-locker`
  const digest = fingerprint([readFileSync(`${work}/main.cjs`, 'utf8'), ...[...application.later].flat()])
  // The snapshot takes most of the time, and each run of the tests begins with a build.
  if (isMadeOf(executable, digest)) return
  const agent = await startWarmUpAgent()
  try {
    renameSync(await makeExecutable(work, application.later, agent.address), executable)
    remember(executable, digest)
  } finally {
    agent.stop()
  }
}

async function buildPlain() {
  const application = await bundleApplication()
  await bundleMain('plain', application, `${work}/main.cjs`)
  renameSync(await makePlainExecutable(work, application.later), `${dist}/consul-locker-plain`)
}

mkdirSync(work, { recursive: true })
try {
  await (process.argv.includes('--plain') ? buildPlain() : build())
} finally {
  rmSync(work, { recursive: true, force: true })
}
