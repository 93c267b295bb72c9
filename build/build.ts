import { mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { bundleApplication, bundleMain } from './bundle.ts'
import { fingerprint, isMadeOf, remember } from './fingerprint.ts'
import { makeExecutable, makePlainExecutable } from './make-executable.ts'
import { slim } from './slim.ts'
import { HERE, type Target } from './target.ts'
import { parserInJavaScript } from './translated-parser.ts'
import { startWarmUpAgent } from './warm-up-agent.ts'

const dist = fileURLToPath(new URL('../dist', import.meta.url))

/** Makes the executable at this path, unless it is there and made of the same. */
export async function buildExecutable(executable: string, target: Target = HERE): Promise<void> {
  await inFolder(async (work) => {
    const application = await bundleApplication(parserInJavaScript, slim)
    await bundleMain('snapshot', application, `${work}/main.cjs`)
    const digest = fingerprint([
      target.arch,
      readFileSync(`${work}/main.cjs`, 'utf8'),
      ...[...application.later].flat(),
    ])
    // The snapshot takes most of the time, and each run of the tests begins with a build.
    if (isMadeOf(executable, digest)) return
    const agent = await startWarmUpAgent()
    try {
      renameSync(await makeExecutable(work, application.later, agent.address, target), executable)
      remember(executable, digest)
    } finally {
      agent.stop()
    }
  })
}

/** Makes the executable without all that Node's documentation doesn't promise: docs/internals.md. */
export async function buildPlain(executable: string): Promise<void> {
  await inFolder(async (work) => {
    const application = await bundleApplication()
    await bundleMain('plain', application, `${work}/main.cjs`)
    renameSync(await makePlainExecutable(work, application.later), executable)
  })
}

/**
 * Several builds may run at once (two test runs in one checkout): each in a folder of its own, the last step a rename.
 */
async function inFolder(make: (work: string) => Promise<void>): Promise<void> {
  const work = `${dist}/build-${process.pid}`
  mkdirSync(work, { recursive: true })
  try {
    await make(work)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
