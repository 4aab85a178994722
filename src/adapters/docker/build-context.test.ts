import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { agentImageTag } from './agent-image.ts'
import { contextFiles, contextTar } from './build-context.ts'

let dir: string
const put = async (path: string, content: string, mode = 0o644) => {
  await mkdir(dirname(join(dir, path)), { recursive: true })
  await writeFile(join(dir, path), content, { mode })
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'creel-context-'))
  await put('Dockerfile', 'FROM x')
  await put('runner/src/main.ts', 'main')
})
afterEach(() => rm(dir, { recursive: true }))

test('installed packages, tests and hidden files are no part of the image', async () => {
  const tag = await agentImageTag(dir, 'base:1')
  await put('node_modules/a/index.js', 'a')
  await put('runner/node_modules/b/index.js', 'b')
  await put('runner/src/main.test.ts', 'test')
  await put('.env', 'SECRET=1')
  expect((await contextFiles(dir)).map((file) => file.path)).toEqual(['Dockerfile', 'runner/src/main.ts'])
  expect(await agentImageTag(dir, 'base:1')).toBe(tag)
})

test('the tag follows names, contents, the executable bit and the base', async () => {
  const tags = [await agentImageTag(dir, 'base:1'), await agentImageTag(dir, 'base:2')]
  await put('runner/src/main.ts', 'changed')
  tags.push(await agentImageTag(dir, 'base:1'))
  await put('bin/tool', 'x')
  tags.push(await agentImageTag(dir, 'base:1'))
  await rm(join(dir, 'bin/tool'))
  await put('bin/tool', 'x', 0o755)
  tags.push(await agentImageTag(dir, 'base:1'))
  expect(new Set(tags).size).toBe(tags.length)
  expect(tags.every((tag) => /^creel-agent:[0-9a-f]{16}$/.test(tag))).toBe(true)
})

test('a link is refused', async () => {
  await symlink('/etc/passwd', join(dir, 'runner', 'passwd'))
  await expect(contextFiles(dir)).rejects.toThrow('got a link or device')
})

test('the same files give the same tar', async () => {
  const tar = async () => buffer(contextTar(await contextFiles(dir), 'CA'))
  expect((await tar()).equals(await tar())).toBe(true)
  expect((await tar()).includes('build-ca.crt')).toBe(true)
})
