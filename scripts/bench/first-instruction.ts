import { median } from '../stage/statistics.ts'
import { type Row, Samples } from './row.ts'
import type { Testbed } from './testbed.ts'
import { stampsIn } from './tool-run.ts'
import { inTurn } from './uncontended.ts'

/**
 * From the start of a tool to the first thing that its command does, `rounds` times in turn. The command is `date`, and
 * so is what a shell runs right before it becomes the tool: both instants are late by the same.
 */
export async function measureFirstInstruction(testbed: Testbed, { rounds }: { rounds: number }): Promise<Row[]> {
  const { contestants, flock } = testbed.tools
  const samples = new Samples()
  for (let round = 0; round < rounds; round++) {
    for (const tool of inTurn([...contestants, flock], round)) {
      const words = [...tool.words(testbed.lock('first')), 'date', '+%s%N']
      const output = await testbed.run(['/bin/sh', '-c', 'date +%s%N; exec "$@"', 'starter', ...words])
      const [start, first] = stampsIn(output)
      if (start === undefined || first === undefined) throw new Error(`${tool.name} ran no command.`)
      samples.add(tool.name, first - start)
    }
  }
  return [
    samples.row(
      { id: 'first-instruction', what: "from the start to the command's first instruction", unit: 'ms' },
      median,
    ),
  ]
}
