// What the application's bundle exports: what an executable does, and for the warm-up, how to do and to undo it.
export { forgetKillAtExit } from '../../src/child/child-process.ts'
export { keepOutOfCores } from '../../src/child/core-dump.ts'
export { main } from '../../src/cli/cli.ts'
export { start } from '../../src/main.ts'
