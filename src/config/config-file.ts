import { readFileSync, statSync } from 'node:fs'
import * as v from 'valibot'
import { LineCounter, parseDocument, type YAMLParseError } from 'yaml'
import { Failure, messageOf, reasonOf } from '../base/failure.ts'

/**
 * Five thousand hosts, each with a line. What is larger takes long to read, for the keys of YAML are compared with each
 * other. In bytes.
 */
const LARGEST = 256 * 1024

/** A schema of keys, whose values become an `Output`. */
type KeySchema<Output> = v.GenericSchema<unknown, Output> & { readonly entries: object }

/** What a configuration file must say. */
export interface ConfigSchema<Output> {
  /** What such a file is, for the failure of one that can't be read: `the init script`. */
  readonly what: string
  /** The least that such a file says, for the hint when it can't be read. */
  readonly least?: string
  readonly schema: KeySchema<Output>
  /** What is wrong between keys that are each right, if anything. */
  readonly check?: (values: Output) => ConfigObjection | undefined
}

/** A complaint, and the key whose line it names. */
export interface ConfigObjection {
  readonly key: string
  readonly complaint: string
}

/** Reads a YAML file. Throws a `config` failure that names file, line and key, and tells what was expected there. */
export function readConfig<Output>({ what, least, schema, check }: ConfigSchema<Output>, path: string): Output {
  return parseConfig(schema, path, readConfigText(what, path, least), check)
}

/** Reads the text of a YAML file; `path` is only named. Throws as `readConfig` does. */
export function parseConfig<Output>(
  schema: KeySchema<Output>,
  path: string,
  text: string,
  check?: ConfigSchema<Output>['check'],
): Output {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [error] = document.errors
  if (error) throw notYaml(`${path}:${lines.linePos(error.pos[0]).line}`, error)
  const result = v.safeParse(schema, valuesIn(document, path))
  if (result.success) {
    const objection = check?.(result.output)
    if (!objection) return result.output
    throw new Failure('config', `${path}:${lineOf(document, lines, [objection.key])}: ${objection.complaint}`)
  }
  const [first] = result.issues
  // A key that is missing is often there, but misspelt.
  const issue = (isMissingKey(first) && result.issues.find((one) => isUnknownKey(one) && !listFor(one))) || first
  const keys = keysOf(issue)
  const missing = issue === first ? '' : `${keysOf(first).join('.')} is missing; `
  const hint = isOfKeys(issue, keys) ? `${missing}the keys are ${Object.keys(schema.entries).join(', ')}` : undefined
  throw new Failure('config', `${path}:${lineOf(document, lines, keys)}: ${complaint(issue, keys)}`, { hint })
}

function keysOf({ path }: v.BaseIssue<unknown>): (string | number)[] {
  return (path ?? []).map((item) => item.key as string | number)
}

function valuesIn(document: ReturnType<typeof parseDocument>, path: string): unknown {
  try {
    return document.toJS()
  } catch (thrown) {
    // An alias of nothing, or aliases that multiply each other.
    throw notYaml(path, thrown)
  }
}

function notYaml(where: string, thrown: unknown): Failure {
  const isSeveral = (thrown as Partial<YAMLParseError>).code === 'MULTIPLE_DOCS'
  const complaint = isSeveral ? 'Another document begins' : messageOf(thrown)
  return new Failure('config', `${where}: ${complaint}`, { hint: 'the file must be YAML, and one document' })
}

function complaint(issue: v.BaseIssue<unknown>, keys: readonly (string | number)[]): string {
  const list = listFor(issue)
  if (list && issue.path) return notKeys(keys.slice(0, issue.path.indexOf(list)), list.input)
  if (issue.expected === 'Object') return notKeys(keys, issue.input)
  const key = keys.join('.')
  if (isUnknownKey(issue)) return `there is no key ${key}`
  if (isMissingKey(issue)) return `the key ${key} is missing`
  return `${key}: expected ${issue.message}, got ${shown(issue.input)}`
}

/** The list that stands where keys should: for valibot it is an object, too, and its items are keys. */
function listFor({ path }: v.BaseIssue<unknown>): v.IssuePathItem | undefined {
  return path?.find((item) => item.type === 'object' && Array.isArray(item.input))
}

/** Whether the file's own keys are at fault, and no value of theirs. */
function isOfKeys(issue: v.BaseIssue<unknown>, keys: readonly unknown[]): boolean {
  return keys.length === 0 || (keys.length === 1 && (isUnknownKey(issue) || isMissingKey(issue)))
}

function isUnknownKey({ type, expected }: v.BaseIssue<unknown>): boolean {
  return type === 'strict_object' && expected === 'never'
}

function isMissingKey({ received, input }: v.BaseIssue<unknown>): boolean {
  return received === 'undefined' || input === undefined
}

function notKeys(keys: readonly (string | number)[], found: unknown): string {
  if (keys.length === 0) return 'expected keys with values, as name: myservice'
  return `${keys.join('.')}: expected keys with values, got ${shown(found)}`
}

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value)
  return json.length > 60 ? `${json.slice(0, 59)}…` : json
}

/** The line of the key, or of the nearest one above it that is there. */
function lineOf(
  document: ReturnType<typeof parseDocument>,
  lines: LineCounter,
  keys: readonly (string | number)[],
): number {
  for (let depth = keys.length; depth > 0; depth--) {
    const node = document.getIn(keys.slice(0, depth), true) as { range?: [number, number, number] | null } | undefined
    if (node?.range) return lines.linePos(node.range[0]).line
  }
  const start = document.contents?.range?.[0]
  return start === undefined ? 1 : lines.linePos(start).line
}

/** The text of such a file. Throws a `config` failure, which names it by `what`; `least` as in `ConfigSchema`. */
export function readConfigText(what: string, path: string, least?: string): string {
  try {
    const { size } = statSync(path)
    if (size > LARGEST) {
      const sentence = `${what} ${path} has ${Math.ceil(size / 1024)} kB, and ${LARGEST / 1024} kB are the most`
      throw new Failure('config', sentence, { hint: 'is it the right file?' })
    }
    return readFileSync(path, 'utf8')
  } catch (thrown) {
    if (thrown instanceof Failure) throw thrown
    const hint = least === undefined ? undefined : `the least that it says is ${least}`
    throw new Failure('config', `${what} ${path} can't be read: ${reasonOf(thrown)}`, { hint, cause: thrown })
  }
}
