/** The applications that we know, and that need no commands: what `application` may be in an agent's file. */
export const HANDLER_NAMES: readonly string[] = ['mysql', 'postgres', 'redis']
