/** What to do where the agent's configuration can't be seen. */
export const READS_AGENT = 'a run does without; to see it: agent_prefix "" { policy = "read" }'
