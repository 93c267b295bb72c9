import { expect, test } from 'vitest'
import type { Client } from './consul-target.ts'
import { registeredService } from './services.ts'

const refusals: [what: string, body: string, status: number, words: string][] = [
  ['no JSON', 'oops', 400, 'Request decode failed: invalid character'],
  ['no name', '{}', 400, 'Missing service name'],
  ['a name that is a number', '{"Name":1}', 400, 'Request decode failed: json: cannot unmarshal number into Go struct field'],
  ['a port that is a text', '{"Name":"a","Port":"80"}', 400, 'Request decode failed: json: cannot unmarshal string into Go'],
  ['tags that are a text', '{"Name":"a","Tags":"x"}', 400, 'Request decode failed: json: cannot unmarshal string into Go'],
  ['an unknown field', '{"Name":"a","Bogus":1}', 400, 'Request decode failed: json: unknown field "Bogus"'],
  ['the address of all', '{"Name":"a","Address":"0.0.0.0"}', 400, 'Invalid service address'],
  ['blank meta data', '{"Name":"a","Meta":{"":"x"}}', 400, "Invalid Service Meta: Couldn't load metadata pair ('', 'x')"],
  ['a TTL without unit', '{"Name":"a","Check":{"TTL":"10"}}', 400, 'Request decode failed: time: missing unit in duration'],
  ['a TTL of less than nothing', '{"Name":"a","Check":{"TTL":"-1s"}}', 400, 'Invalid check: TTL must be > 0 for TTL checks'],
  ['a URL without interval', '{"Name":"a","Check":{"HTTP":"http://x"}}', 400, 'Invalid check: Interval must be > 0 for Script'],
  ['a port without interval', '{"Name":"a","Check":{"TCP":"x:1"}}', 400, 'Invalid check: Interval must be > 0 for Script'],
  ['a status that is none', '{"Name":"a","Check":{"TTL":"9s","Status":"odd"}}', 400, "Status for checks must 'passing',"],
] // biome-ignore format: one line each

const service = registeredService

export function agentPromises(open: () => Client): void {
  test('says who it is, and who is there', async () => {
    const client = open()
    const { json: self } = await client.read('/v1/agent/self')
    expect(self.Config).toMatchObject({ Datacenter: 'dc1', NodeName: expect.any(String), Server: true })
    expect(self.Member).toMatchObject({ Name: self.Config.NodeName, Status: 1 })
    expect(Object.keys(self).sort()).toEqual(['Config', 'Coord', 'DebugConfig', 'Member', 'Meta', 'Stats'])
    expect((await client.read('/v1/agent/members')).json).toContainEqual(self.Member)
    const { json: nodes } = await client.read('/v1/catalog/nodes')
    expect(nodes.map(({ Node }: never) => Node)).toContain(self.Config.NodeName)
    expect((await client.read('/v1/status/leader')).json).toBe(self.Stats.consul.leader_addr)
    expect((await client.read('/v1/status/peers')).json).toEqual([self.Stats.consul.leader_addr])
  })

  test('registers a service, lists it, and puts it into the catalog', async () => {
    const client = open()
    const about = { Tags: ['a', 'b'], Port: 80, Address: '10.0.0.9', Meta: { x: 'y' }, EnableTagOverride: true }
    const { id, name, node } = await service(client, about)
    const listed = { ID: id, Service: name, ...about, Weights: { Passing: 1, Warning: 1 } }
    expect((await client.read('/v1/agent/services')).json[id]).toMatchObject(listed)
    expect((await client.read(`/v1/agent/service/${id}`)).json).toMatchObject(listed)
    const { json } = await client.readUntil(`/v1/health/service/${name}`, (list) => list.length === 1)
    expect(json[0]).toMatchObject({ Node: { Node: node }, Service: listed })
    expect(json[0].Checks.map(({ CheckID }: never) => CheckID)).toContain('serfHealth')
  })

  test('takes a service out with its checks, and one that is not there, too', async () => {
    const client = open()
    const { id, name } = await service(client, { Check: { TTL: '1h' } })
    await client.readUntil(`/v1/health/checks/${name}`, (list) => list.length === 1)
    for (let time = 1; time <= 2; time++) {
      expect((await client.put(`/v1/agent/service/deregister/${id}`)).status).toBe(200)
    }
    await client.readUntil(`/v1/catalog/service/${name}`, (list) => list.length === 0)
    expect((await client.read('/v1/agent/checks')).json).not.toHaveProperty(`service:${id}`)
    const gone = await client.get(`/v1/agent/service/${id}`)
    expect([gone.status, gone.text]).toEqual([404, `unknown service ID: ${id}`])
  })

  test('takes an id with a slash and a blank in it', async () => {
    const client = open()
    const ID = `odd id/${client.name}`
    await service(client, { ID })
    expect((await client.read(`/v1/agent/service/${encodeURIComponent(ID)}`)).json).toMatchObject({ ID })
    await client.put(`/v1/agent/service/deregister/${encodeURIComponent(ID)}`)
    expect((await client.read('/v1/agent/services')).json).not.toHaveProperty([ID])
  })

  test('reads names in small letters and with underscores, as older clients write them', async () => {
    const client = open()
    const id = client.name
    const check = { ttl: '1h', deregister_critical_service_after: '90m', status: 'passing' }
    const body = { name: id, id, tags: ['x'], enable_tag_override: true, check }
    expect((await client.put('/v1/agent/service/register', JSON.stringify(body))).status).toBe(200)
    const { json } = await client.read(`/v1/agent/service/${id}`)
    expect(json).toMatchObject({ ID: id, Tags: ['x'], EnableTagOverride: true })
    expect((await client.read('/v1/agent/checks')).json[`service:${id}`]).toMatchObject({ Status: 'passing' })
  })

  test.for(refusals)('refuses %s', async ([, body, status, words]) => {
    const reply = await open().put('/v1/agent/service/register', body)
    expect([reply.status, reply.text]).toEqual([status, expect.stringContaining(words)])
  })

  test('tells the health of an instance, and of all of a service, by status and body', async () => {
    const client = open()
    const { id, name } = await service(client, { Check: { TTL: '1h', Status: 'passing' } })
    const health = async (path: string) => (await client.get(`/v1/agent/health/service/${path}`)).status
    expect([await health(`id/${id}`), await health(`name/${name}`)]).toEqual([200, 200])
    await client.put(`/v1/agent/check/warn/service:${id}`)
    expect([await health(`id/${id}`), await health(`name/${name}`)]).toEqual([429, 429])
    await client.put(`/v1/agent/check/fail/service:${id}`)
    const reply = await client.get(`/v1/agent/health/service/id/${id}`)
    expect(reply.status).toBe(503)
    expect(JSON.parse(reply.text)).toMatchObject({ AggregatedStatus: 'critical', Service: { ID: id } })
    expect((await client.get(`/v1/agent/health/service/name/${name}?format=text`)).text).toBe('critical')
    expect(await health('id/none')).toBe(404)
    expect(await health('name/none')).toBe(404)
  })

  test('marks a service that is worked on, and needs to know whether', async () => {
    const client = open()
    const { id, name } = await service(client)
    const maintain = (query: string, of = id) => client.put(`/v1/agent/service/maintenance/${of}?${query}`)
    const mark = `_service_maintenance:${id}`
    await maintain('enable=true&reason=because')
    await maintain('enable=true&reason=again')
    const marked = { Status: 'critical', Notes: 'because', ServiceID: id, Name: 'Service Maintenance Mode' }
    expect((await client.read('/v1/agent/checks')).json[mark]).toMatchObject(marked)
    await client.readUntil(`/v1/health/checks/${name}`, (list) => list.length === 1)
    await maintain('enable=false')
    await client.readUntil(`/v1/health/checks/${name}`, (list) => list.length === 0)
    const vague = await maintain('')
    expect([vague.status, vague.text]).toEqual([400, 'Missing value for enable'])
    const none = await maintain('enable=true', 'none')
    expect([none.status, none.text]).toEqual([404, 'No service registered with ID "none"'])
  })

  test('answers other methods by which it takes, and unknown paths by a 404', async () => {
    const client = open()
    const { status, text } = await client.get('/v1/agent/service/register')
    expect([status, text]).toEqual([405, 'method GET not allowed'])
    expect((await client.put('/v1/agent/self')).status).toBe(405)
    expect((await client.get('/v1/agent/bogus')).status).toBe(404)
    expect((await client.get('/v1/toString')).status).toBe(404)
  })
}
