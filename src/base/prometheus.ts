import assert from 'node:assert'

/** What is measured under one name. */
export interface Metric {
  readonly name: string
  readonly type: 'gauge' | 'counter'
  readonly help: string
  readonly samples: readonly Sample[]
}

/** One value; no two of a metric have the same labels. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

/** A metric whose value goes up and down. */
export function gauge(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, type: 'gauge', help, samples }
}

export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const LABEL_NAME = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/

/**
 * Metrics in Prometheus's text format, 0.0.4 (prometheus/docs, instrumenting/exposition_formats). Help and label values
 * may be any text; a bad name is a bug of ours.
 */
export function prometheusText(metrics: readonly Metric[]): string {
  return metrics.flatMap(linesOf).join('')
}

function linesOf({ name, type, help, samples }: Metric): string[] {
  assert.match(name, METRIC_NAME)
  const head = [`# HELP ${name} ${escaped(help)}\n`, `# TYPE ${name} ${type}\n`]
  return [...head, ...samples.map(({ labels = {}, value }) => `${name}${labelText(labels)} ${valueText(value)}\n`)]
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => {
    assert.match(name, LABEL_NAME)
    return `${name}="${escaped(value).replaceAll('"', '\\"')}"`
  })
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

/** As Go's `ParseFloat` reads it. */
function valueText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (Number.isFinite(value)) return String(value)
  return value > 0 ? '+Inf' : '-Inf'
}
