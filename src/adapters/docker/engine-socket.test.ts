import { expect, test } from 'vitest'
import { engineSocket } from './engine-socket.ts'

test.each([
  ['', undefined, '/var/run/docker.sock'],
  ['', '', '/var/run/docker.sock'],
  ['', 'unix:///run/user/1000/docker.sock', '/run/user/1000/docker.sock'],
  ['/run/podman/podman.sock', 'tcp://elsewhere:2375', '/run/podman/podman.sock'],
  ['unix:///a.sock', undefined, '/a.sock'],
])('configured %j, DOCKER_HOST %j: %s', (configured, dockerHost, expected) => {
  expect(engineSocket({ configured, dockerHost })).toBe(expected)
})

test('a remote engine is refused, without showing who or where', () => {
  const ask = () => engineSocket({ configured: '', dockerHost: 'ssh://me@secret-host' })
  expect(ask).toThrow('DOCKER_HOST: expected an absolute path or unix://…, got a ssh address')
  expect(ask).not.toThrow('secret-host')
  expect(() => engineSocket({ configured: 'docker.sock', dockerHost: undefined })).toThrow(
    'got a relative address',
  )
})
