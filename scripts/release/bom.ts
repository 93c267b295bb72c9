import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library'
import type { BundledPackage } from '../../build/bundled-packages.ts'
import SUMS from '../../build/node-sums.json' with { type: 'json' }
import type { Architecture } from './about.ts'
import { type Edition, PROJECT } from './release-edition.ts'

const { Component, ComponentRepository, HashDictionary, LicenseExpression, LicenseRepository, SpdxLicense } = Models
const { ComponentType, HashAlgorithm } = Enums

/** Numbers of interfaces, not of parts. */
const NO_PARTS = ['node', 'modules', 'napi']

/** What an executable is made of, as JSON of CycloneDX: the packages in the bundle, and the Node with its parts. */
export function billOfMaterials(edition: Edition, arch: Architecture, packages: readonly BundledPackage[]): string {
  const subject = new Component(ComponentType.Application, 'consul-locker', {
    bomRef: 'consul-locker',
    version: edition.version,
    licenses: licences('MIT'),
  })
  const parts = [nodeOf(arch), ...packages.map(componentOf)]
  for (const part of parts) subject.dependencies.add(part.bomRef)
  const bom = new Models.Bom({
    metadata: new Models.Metadata({ component: subject, timestamp: new Date(edition.epoch * 1000) }),
    components: new ComponentRepository(parts),
  })
  const factory = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6)
  return `${new Serialize.JsonSerializer(factory).serialize(bom, { sortLists: true, space: 2 })}\n`
}

function componentOf({ name, version, licence, path }: BundledPackage): Models.Component {
  const { packages } = JSON.parse(readFileSync(join(PROJECT, 'package-lock.json'), 'utf8'))
  const [group, own = ''] = name.startsWith('@') ? name.split('/') : [undefined, name]
  const purl = `pkg:npm/${group === undefined ? own : `${group.replace('@', '%40')}/${own}`}@${version}`
  const sum = Buffer.from(packages[path].integrity.replace('sha512-', ''), 'base64').toString('hex')
  return new Component(ComponentType.Library, own, {
    ...(group === undefined ? {} : { group }),
    bomRef: purl,
    version,
    purl,
    licenses: licences(licence),
    hashes: new HashDictionary([[HashAlgorithm['SHA-512'], sum]]),
  })
}

function nodeOf(arch: Architecture): Models.Component {
  const version = process.version.slice(1)
  const sums: Record<string, Record<string, string>> = SUMS
  const parts = Object.entries(process.versions).filter(([name, version]) => version && !NO_PARTS.includes(name))
  return new Component(ComponentType.Platform, 'node', {
    bomRef: `node@${version}`,
    version,
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
    purl: `pkg:generic/node@${version}?arch=${arch}&os=linux`,
    licenses: licences('MIT'),
    hashes: new HashDictionary([[HashAlgorithm['SHA-256'], sums[process.version]?.[`linux-${arch}`] ?? '']]),
    components: new ComponentRepository(
      parts.map(
        ([name, version = '']) => new Component(ComponentType.Library, name, { bomRef: `node/${name}`, version }),
      ),
    ),
  })
}

function licences(expression: string): Models.LicenseRepository {
  const isOne = !expression.includes(' ')
  return new LicenseRepository([isOne ? new SpdxLicense(expression) : new LicenseExpression(expression)])
}
