/** One enabled source of binary packages in apt's configuration. */
export interface AptSource {
  readonly uri: string
  readonly suite: string
  readonly components: readonly string[]
  /** Paths of keyrings; empty when apt's trusted ones hold, and for a key that stands in the file itself. */
  readonly signedBy: readonly string[]
  readonly trusted: boolean
}

/** Reads the one-line format (`sources.list`, `*.list`): `deb [option=value …] uri suite component…`. */
export function parseSourceList(text: string): AptSource[] {
  return text.split('\n').flatMap((line) => {
    const match = /^deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s*(.*)$/.exec((line.split('#')[0] ?? '').trim())
    if (!match) return []
    const [, options = '', uri = '', suite = '', components = ''] = match
    const option = (name: string) =>
      words(options)
        .find((word) => word.toLowerCase().startsWith(`${name}=`))
        ?.slice(name.length + 1) ?? ''
    return {
      uri,
      suite,
      components: words(components),
      signedBy: paths(option('signed-by').replaceAll(',', ' ')),
      trusted: option('trusted') === 'yes',
    }
  })
}

/** Reads the deb822 format (`*.sources`): stanzas of `Field: values`, one source for each URI and suite. */
export function parseSources(text: string): AptSource[] {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .split(/\n[ \t]*\n/)
    .flatMap((stanza) => {
      const fields = parseFields(stanza)
      const field = (name: string) => words(fields.get(name) ?? '')
      if (!field('types').includes('deb') || field('enabled')[0]?.toLowerCase() === 'no') return []
      return field('uris').flatMap((uri) =>
        field('suites').map((suite) => ({
          uri,
          suite,
          components: field('components'),
          signedBy: paths(fields.get('signed-by') ?? ''),
          trusted: field('trusted')[0]?.toLowerCase() === 'yes',
        })),
      )
    })
}

/**
 * The entry of the Debian archive itself: neither its security, updates or backports suites nor somebody else's
 * repository, which often names its suite after Debian's. An entry under Debian's own key comes before one without a
 * key of its own; one under another key counts only when its address says `debian` (a company's mirror).
 */
export function debianArchive(sources: readonly AptSource[]): AptSource | undefined {
  const rank = (source: AptSource) => {
    if (!source.components.includes('main') || !/^[a-z]+$/.test(source.suite)) return 0
    if (/debian-security|security\.debian/.test(source.uri)) return 0
    if (source.signedBy.some((path) => path.includes('debian-archive'))) return 3
    if (!/\/debian(\/|\.list|$)/.test(source.uri)) return 0
    return source.signedBy.length === 0 ? 2 : 1
  }
  return sources.filter((source) => rank(source) > 0).sort((a, b) => rank(b) - rank(a))[0]
}

function parseFields(stanza: string): Map<string, string> {
  const fields = new Map<string, string>()
  let last = ''
  for (const line of stanza.split('\n')) {
    const match = /^([A-Za-z0-9-]+):(.*)$/.exec(line)
    if (match) last = (match[1] ?? '').toLowerCase()
    fields.set(last, `${fields.get(last) ?? ''} ${match ? match[2] : line}`)
  }
  return fields
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}

function paths(text: string): string[] {
  return words(text).every((word) => word.startsWith('/')) ? words(text) : []
}
