import type { Context } from '../../base/context.ts'
import type { LeaderFile } from '../leader-file.ts'
import type { Application } from './application.ts'
import { CommandApplication } from './command-application.ts'
import type { HandlerSetting } from './handler.ts'
import { HandlerApplication } from './handler-application.ts'
import { loadHandler } from './handlers.ts'
import { listModule, moduleRunner } from './module-runner.ts'

/** How a file's application is driven: by its commands, by its module, or by a handler of ours. */
export interface ApplicationDriver {
  /** What its module exports, for the guardian, which can't load that again. */
  readonly moduleExports: readonly string[]
  /** `before`: what was made of the file before it was read again. */
  make(setting: HandlerSetting, before?: Application): Application
}

/**
 * Loads what drives the application; `exports` is known when the module was listed before. Rejects with a `config`
 * failure when the module can't be loaded.
 */
export async function loadDriver(
  ctx: Context,
  file: LeaderFile,
  environment: NodeJS.ProcessEnv,
  exports?: readonly string[],
): Promise<ApplicationDriver> {
  if (file.application !== undefined) {
    const handlerOf = await loadHandler(file.application)
    const handlerAfter = (setting: HandlerSetting, before?: Application) =>
      handlerOf(setting, before instanceof HandlerApplication ? before.handler : undefined)
    return {
      moduleExports: [],
      make: (setting, before) => new HandlerApplication(setting.file, handlerAfter(setting, before)),
    }
  }
  const moduleExports = exports ?? (file.module === undefined ? [] : await listModule(ctx, file.module, environment))
  const module = file.module === undefined ? undefined : moduleRunner(file.module, moduleExports)
  return { moduleExports, make: ({ file, environment }) => new CommandApplication(file, module, environment) }
}
