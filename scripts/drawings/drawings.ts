import { writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { plainEnvironment } from '../provide/plain-environment.ts'
import { FAILOVER } from './failover-lanes.ts'
import { lanesSvg } from './lanes.ts'
import { QUEUE } from './queue-lanes.ts'
import { recorded, withoutPlace } from './terminal.ts'
import { terminalSvg } from './terminal-svg.ts'

const ROOT = join(import.meta.dirname, '../..')
const DEMO = 'npm run demo'

/** Writes a picture of the documents. */
function write(name: string, svg: string): void {
  writeFileSync(join(ROOT, 'docs/pictures', name), svg)
}

process.chdir(ROOT)
write('queue.svg', lanesSvg(QUEUE))
write('failover.svg', lanesSvg(FAILOVER))
const session = await recorded(DEMO.replace('run', 'run --silent'), { ...plainEnvironment(), TERM: 'xterm-256color' })
write('demo.svg', terminalSvg('Three contenders for one lock', DEMO, withoutPlace(session, hostname())))
