import { expect, test } from 'vitest'
import { base64, type Client, type Row, rowsOf } from './consul-target.ts'

export function kvPromises(open: () => Client): void {
  test('that is absent is a 404 with an index', async () => {
    const client = open()
    const reply = await client.get(`/v1/kv/${client.key}`)
    expect([reply.status, reply.text]).toEqual([404, ''])
    expect(reply.index).toBeGreaterThanOrEqual(1)
  })

  test('is read as it was written, under its own index', async () => {
    const client = open()
    expect(await client.write('?flags=7', 'wörd')).toBe('true')
    const reply = await client.get(`/v1/kv/${client.key}`)
    const [row] = rowsOf(reply.text) as [Row]
    expect(row).toMatchObject({ Key: client.key, Value: base64('wörd'), Flags: '7', LockIndex: 0 })
    expect(row.CreateIndex).toBe(row.ModifyIndex)
    expect(reply.index).toBe(row.ModifyIndex)
    expect(row.Session).toBeUndefined()
    expect((await client.get(`/v1/kv/${client.key}?raw`)).text).toBe('wörd')
  })

  test('keeps its CreateIndex when it is overwritten, and its flags only if they are given again', async () => {
    const client = open()
    await client.write('?flags=7', 'one')
    const first = await client.row()
    await client.write('', 'two')
    const second = await client.row()
    expect(second).toMatchObject({ CreateIndex: first.CreateIndex, Value: base64('two'), Flags: '0' })
    expect(second.ModifyIndex).toBeGreaterThan(first.ModifyIndex)
  })

  test('keeps its ModifyIndex when the same is written again', async () => {
    const client = open()
    await client.write('?flags=7', 'same')
    const first = await client.row()
    expect(await client.write('?flags=7', 'same')).toBe('true')
    expect(await client.row()).toEqual(first)
  })

  test('without value has null for one', async () => {
    const client = open()
    await client.write('', '')
    expect((await client.row()).Value).toBeNull()
  })

  test('keeps flags of 64 bits', async () => {
    const client = open()
    for (const flags of ['3304740253564472344', '18446744073709551615']) {
      await client.write(`?flags=${flags}`)
      expect((await client.row()).Flags).toBe(flags)
    }
  })

  test('refuses flags that are no number of 64 bits', async () => {
    const client = open()
    expect(await client.write('?flags=x')).toBe('strconv.ParseUint: parsing "x": invalid syntax')
    const words = 'strconv.ParseUint: parsing "18446744073709551616": value out of range'
    expect(await client.write('?flags=18446744073709551616')).toBe(words)
  })

  test('is written by cas only from where it was read', async () => {
    const client = open()
    expect(await client.write('?cas=5')).toBe('false')
    expect(await client.write('?cas=0')).toBe('true')
    expect(await client.write('?cas=0', 'w')).toBe('false')
    const { ModifyIndex } = await client.row()
    expect(await client.write(`?cas=${ModifyIndex}`, 'w')).toBe('true')
    expect(await client.write(`?cas=${ModifyIndex}`, 'x')).toBe('false')
    expect((await client.row()).Value).toBe(base64('w'))
  })

  test('refuses cas, acquire and release at once', async () => {
    const client = open()
    const reply = await client.put(`/v1/kv/${client.key}?cas=0&acquire=b`, 'v')
    expect([reply.status, reply.text.trim()]).toEqual([400, 'Conflicting flags: acquire=b&cas=0'])
  })

  test('is deleted whether it is there or not', async () => {
    const client = open()
    expect(await client.remove()).toBe('true')
    await client.write()
    expect(await client.remove()).toBe('true')
    expect((await client.get(`/v1/kv/${client.key}`)).status).toBe(404)
  })

  test('is deleted by cas only from where it was read; what is absent always is', async () => {
    const client = open()
    expect(await client.remove('?cas=3')).toBe('true')
    await client.write()
    const { ModifyIndex } = await client.row()
    expect(await client.remove('?cas=0')).toBe('false')
    expect(await client.remove(`?cas=${ModifyIndex - 1}`)).toBe('false')
    expect(await client.remove(`?cas=${ModifyIndex}`)).toBe('true')
  })

  test('that was deleted is absent under a higher index, and comes back under one that is higher still', async () => {
    const client = open()
    await client.write()
    const first = await client.row()
    await client.remove()
    const { index } = await client.get(`/v1/kv/${client.key}`)
    expect(index).toBeGreaterThan(first.ModifyIndex)
    await client.write()
    const second = await client.row()
    expect(second.ModifyIndex).toBeGreaterThan(index)
    expect(second.CreateIndex).toBe(second.ModifyIndex)
  })

  test('is listed with its neighbours, in order', async () => {
    const client = open()
    const names = ['a', 'b/1', 'b/2', 'c'].map((name) => `${client.key}/${name}`)
    for (const name of [...names].reverse()) await client.put(`/v1/kv/${name}`, 'v')
    const rows = rowsOf((await client.get(`/v1/kv/${client.key}/?recurse`)).text)
    expect(rows.map((row) => row.Key)).toEqual(names)
    expect(JSON.parse((await client.get(`/v1/kv/${client.key}/?keys`)).text)).toEqual(names)
    const folders = JSON.parse((await client.get(`/v1/kv/${client.key}/?keys&separator=/`)).text)
    expect(folders).toEqual(['a', 'b/', 'c'].map((name) => `${client.key}/${name}`))
    await client.delete(`/v1/kv/${client.key}/b/?recurse`)
    expect(JSON.parse((await client.get(`/v1/kv/${client.key}/?keys`)).text)).toEqual([names[0], names[3]])
  })

  test("raises the index of its folder's listing when it is written or deleted", async () => {
    const client = open()
    const index = async () => (await client.get(`/v1/kv/${client.key}/?recurse`)).index
    expect((await client.get(`/v1/kv/${client.key}/?recurse`)).status).toBe(404)
    await client.put(`/v1/kv/${client.key}/a`, 'v')
    const first = await index()
    await client.put(`/v1/kv/${client.key}/b`, 'v')
    const second = await index()
    expect(second).toBeGreaterThan(first)
    await client.delete(`/v1/kv/${client.key}/b`)
    const third = await index()
    expect(third).toBeGreaterThan(second)
    await client.put(`/v1/kv/${client.key}-beside`, 'v')
    expect(await index()).toBe(third)
  })

  test('can have any character that its path can encode', async () => {
    const client = open()
    await client.put(`/v1/kv/${client.key}%2Fb%20c`, 'v')
    const [row] = rowsOf((await client.get(`/v1/kv/${client.key}/b%20c`)).text)
    expect(row?.Key).toBe(`${client.key}/b c`)
  })

  test('must have a name', async () => {
    const client = open()
    for (const method of ['GET', 'PUT', 'DELETE'] as const) {
      const reply = await client.target.call(method, '/v1/kv/', ...(method === 'PUT' ? ['v'] : []))
      expect([reply.status, reply.text]).toEqual([400, 'Missing key name'])
    }
  })

  test('takes 512 KiB and no more', async () => {
    const client = open()
    expect(await client.write('', 'x'.repeat(524_288))).toBe('true')
    const reply = await client.put(`/v1/kv/${client.key}`, 'x'.repeat(524_289))
    expect(reply.status).toBe(413)
    expect(reply.text).toContain('Request body(524289 bytes) too large, max size: 524288 bytes')
  })

  test('is read in one consistency mode at a time', async () => {
    const client = open()
    await client.write()
    for (const mode of ['stale', 'consistent']) {
      expect((await client.get(`/v1/kv/${client.key}?${mode}`)).status).toBe(200)
    }
    const reply = await client.get(`/v1/kv/${client.key}?stale&consistent`)
    const words = 'Cannot specify ?stale with ?consistent, conflicting semantics.'
    expect([reply.status, reply.text]).toEqual([400, words])
  })
}
