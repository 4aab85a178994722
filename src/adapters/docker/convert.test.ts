import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { SandboxSpec } from '../../domain/ports/sandbox.ts'
import { createBody } from './convert.ts'
import { sandboxLabels } from './labels.ts'

function fixture(name: string): unknown {
  return JSON.parse(
    readFileSync(new URL(`../../../test/fixtures/spec/${name}.json`, import.meta.url), 'utf8'),
  )
}

const body = (name: string, enginePath = (path: string) => path) => {
  const spec = fixture(name) as SandboxSpec
  return createBody(spec, sandboxLabels(spec, 'install-1', 'abcdef0123456789'), enginePath)
}

test.each(['default-group', 'tuned-group'])('the create body of %s is the golden one', (name) => {
  expect(body(name)).toEqual(fixture(`${name}.docker`))
})

test('folders are given as the engine sees them', () => {
  const { Mounts } = body('default-group', (path) => `/on-the-host${path}`).HostConfig
  expect(Mounts.every((mount) => mount.Source.startsWith('/on-the-host/srv/creel/'))).toBe(true)
})
