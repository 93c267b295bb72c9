import { parseArgs } from 'node:util'
import { type ConsulOptions, startConsul } from './agent.ts'
import { findConsul } from './find-consul.ts'
import type { Ports } from './ports.ts'

const usage = `Usage: scripts/consul path
       scripts/consul dev    [--port [NAME=]N]... [--verbose] [-- AGENT-ARGUMENT...]
       scripts/consul server --data DIR [--port [NAME=]N]... [--verbose] [-- AGENT-ARGUMENT...]

path prints where the consul binary is. dev and server run an agent on free
ports of 127.0.0.1 until INT or TERM, and print its address once it is ready.
A server keeps its data and its ports in DIR. NAME is http (the default),
https, dns, grpc, serf_lan, serf_wan or server.
`

async function main(argv: string[]): Promise<number> {
  const separator = argv.includes('--') ? argv.indexOf('--') : argv.length
  const { values, positionals } = parseArgs({
    args: argv.slice(0, separator),
    allowPositionals: true,
    options: {
      data: { type: 'string' },
      port: { type: 'string', multiple: true },
      verbose: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const [command, ...rest] = positionals
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  if (command === 'path') {
    console.log(await findConsul())
    return 0
  }
  const complete = command === 'dev' || (command === 'server' && values.data)
  if (!complete || rest.length > 0) {
    process.stderr.write(usage)
    return 2
  }
  return runAgent({
    mode: command,
    ...(values.data && { dataDir: values.data }),
    ports: parsePorts(values.port ?? []),
    verbose: values.verbose ?? false,
    args: argv.slice(separator + 1),
  })
}

async function runAgent(options: ConsulOptions): Promise<number> {
  const { promise: asked, resolve } = Promise.withResolvers<'asked'>()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve('asked'))
  const starting = startConsul(options)
  const agent = await Promise.race([starting, asked])
  // The exit leaves an agent that is still on its way up to its reaper.
  if (agent === 'asked') return 0
  if (!options.verbose) console.error(`log: ${agent.logFile}`)
  console.log(agent.address)
  const end = await Promise.race([asked, agent.exited()])
  if (end !== 'asked') console.error('The agent has ended by itself.')
  await agent.stop()
  return end === 'asked' ? 0 : 1
}

function parsePorts(words: readonly string[]): Partial<Ports> {
  const names = ['http', 'https', 'dns', 'grpc', 'serf_lan', 'serf_wan', 'server']
  const ports = words.map((word) => {
    const [, name = 'http', port = ''] = /^(?:([a-z_]+)=)?(-?\d+)$/.exec(word) ?? []
    if (port === '' || !names.includes(name)) throw new Error(`--port ${word}: expected [NAME=]NUMBER, see --help.`)
    return [name, Number(port)]
  })
  return Object.fromEntries(ports)
}

try {
  process.exit(await main(process.argv.slice(2)))
} catch (error) {
  // What goes wrong here is the user's to mend: a sentence, no stack trace.
  console.error((error as Error).message)
  if (process.env.DEBUG) console.error((error as Error).cause)
  process.exit(1)
}
