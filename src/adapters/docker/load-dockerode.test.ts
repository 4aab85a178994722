import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { loadDockerode } from './load-dockerode.ts'

test('is the client that it says, without gRPC and ssh', () => {
  const Client = loadDockerode()
  expect(loadDockerode()).toBe(Client)
  expect(new Client({ socketPath: '/nowhere', host: undefined }).getContainer('x').id).toBe('x')
  const loaded = Object.keys(createRequire(import.meta.url).cache)
  expect(loaded.some((path) => path.includes('/dockerode/lib/docker.js'))).toBe(true)
  expect(loaded.filter((path) => /\/node_modules\/(@grpc|ssh2|protobufjs)\//.test(path))).toEqual([])
})
