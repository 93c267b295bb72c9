import * as v from 'valibot'
import { readConfig } from '../config/config-file.ts'
import { consulValue, tableValue, textValue } from '../config/config-values.ts'
import { isPattern } from '../switchover/name-pattern.ts'

const PATTERN = 'a regular expression for names of nodes'

const SCHEMA = v.strictObject({
  clusterKey: textValue('a folder as cluster/production'),
  serviceFilter: v.optional(v.pipe(textValue(PATTERN), v.check(isPattern, PATTERN))),
  subVars: v.optional(tableValue(textValue('a name'), v.string('a text')), {}),
  noopTriggers: v.optional(v.array(textValue('the name of a Consul service'), 'a list of Consul services'), []),
  consul: consulValue,
})

/** python-powerconsul's own configuration, `.powerconsul.conf`, which is JSON and so YAML. */
export type TriggerFile = v.InferOutput<typeof SCHEMA>

/** Throws a `config` failure that names file, line and key. */
export function readTriggerFile(path: string): TriggerFile {
  const least = '{"clusterKey": "cluster/production"}'
  return readConfig({ what: "python-powerconsul's configuration", least, schema: SCHEMA }, path)
}
