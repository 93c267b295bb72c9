import { describe, expect, test } from 'vitest'
import {
  type AptSource,
  debianArchive,
  parseSourceList,
  parseSources,
} from '../../../../scripts/provide/apt-sources.ts'

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

function source(over: Partial<AptSource> = {}): AptSource {
  return {
    uri: 'http://mirror.example/debian',
    suite: 'bookworm',
    components: ['main'],
    signedBy: [],
    trusted: false,
    ...over,
  }
}

describe('the one-line format of apt sources', () => {
  test('gives address, suite and components', () => {
    expect(parseSourceList('deb http://mirror.example/debian bookworm main contrib')).toEqual([
      source({ components: ['main', 'contrib'] }),
    ])
  })

  test('gives the options in brackets, however they are spaced and spelled', () => {
    const text = `deb [ arch=amd64 Signed-By=${keyring},/etc/apt/keyrings/own.gpg trusted=yes ] http://mirror.example/debian bookworm main`
    expect(parseSourceList(text)).toEqual([source({ signedBy: [keyring, '/etc/apt/keyrings/own.gpg'], trusted: true })])
  })

  test.each([
    ['a comment', '# deb http://mirror.example/debian bookworm main'],
    ['a source package line', 'deb-src http://mirror.example/debian bookworm main'],
    ['an empty line', '   '],
    ['half a line', 'deb http://mirror.example/debian'],
  ])('skips %s', (_, text) => {
    expect(parseSourceList(text)).toEqual([])
  })

  test('ignores a comment behind an entry', () => {
    expect(parseSourceList('deb http://mirror.example/debian bookworm main # ours')).toEqual([source()])
  })
})

describe('the deb822 format of apt sources', () => {
  test('gives one source for each address and suite of a stanza', () => {
    const text = [
      'Types: deb deb-src',
      '# a comment inside a stanza',
      'URIs: http://a.example/debian http://b.example/debian',
      'Suites: bookworm bookworm-updates',
      'Components: main',
      `Signed-By: ${keyring}`,
    ].join('\n')
    expect(parseSources(text).map(({ uri, suite }) => [uri, suite])).toEqual([
      ['http://a.example/debian', 'bookworm'],
      ['http://a.example/debian', 'bookworm-updates'],
      ['http://b.example/debian', 'bookworm'],
      ['http://b.example/debian', 'bookworm-updates'],
    ])
    expect(parseSources(text)[0]).toEqual(source({ uri: 'http://a.example/debian', signedBy: [keyring] }))
  })

  test('reads continuation lines and field names in any case', () => {
    const text = 'types: deb\nuris:\n http://mirror.example/debian\nSUITES: bookworm\ncomponents: main\n contrib\n'
    expect(parseSources(text)).toEqual([source({ components: ['main', 'contrib'] })])
  })

  test('takes a key that stands in the file for no path', () => {
    const text = [
      'Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\nSigned-By:',
      ' -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBGPL\n -----END PGP PUBLIC KEY BLOCK-----',
    ].join('\n')
    expect(parseSources(text)).toEqual([source()])
  })

  test('skips stanzas that are disabled or for source packages only', () => {
    const rest = 'URIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main'
    expect(parseSources(`Types: deb\nEnabled: no\n${rest}\n\nTypes: deb-src\n${rest}\n`)).toEqual([])
  })
})

describe('the entry of the Debian archive', () => {
  test.each([
    [
      'security',
      source({ uri: 'http://mirror.example/debian-security', suite: 'bookworm-security', signedBy: [keyring] }),
    ],
    ['updates', source({ suite: 'bookworm-updates', signedBy: [keyring] })],
    ['a repository of non-free software alone', source({ components: ['non-free'] })],
    ["a vendor's repository with Debian's suite names", source({ uri: 'https://apt.vendor.example' })],
    [
      "a vendor's repository for Debian",
      source({ uri: 'https://vendor.example/linux/debian', components: ['stable'] }),
    ],
  ])('is not %s', (_, other) => {
    expect(debianArchive([other])).toBeUndefined()
    expect(debianArchive([other, source()])).toEqual(source())
  })

  test.each([
    ['a plain mirror', 'http://mirror.example/debian/'],
    ['a snapshot', 'http://snapshot.example/archive/debian/20250520T000000Z'],
    ['a list of mirrors', 'mirror+file:///etc/apt/mirrors/debian.list'],
  ])('may be %s', (_, uri) => {
    expect(debianArchive([source({ uri })])?.uri).toBe(uri)
  })

  test("may have any address under Debian's own key, and comes before one without", () => {
    const signed = source({ uri: 'https://packages.example/bookworm-mirror', signedBy: [keyring] })
    expect(debianArchive([source(), signed])).toEqual(signed)
  })

  test('comes before a repository under a key of its own', () => {
    const foreign = source({ uri: 'https://vendor.example/debian', signedBy: ['/etc/apt/keyrings/vendor.gpg'] })
    expect(debianArchive([foreign, source()])).toEqual(source())
  })
})
