import { expect, test } from 'vitest'
import { enginePath, ownContainerId } from './self.ts'

const ID = 'a'.repeat(64)
const OTHER = 'b'.repeat(64)
const line = (root: string, target: string) => `1 2 8:1 ${root} ${target} rw,relatime - ext4 /dev/sda1 rw`

test.each([
  ['Docker', `/var/lib/docker/containers/${ID}/hostname`],
  ['Docker on its own partition', `/containers/${ID}/resolv.conf`],
  ['Podman', `/var/lib/containers/storage/overlay-containers/${ID}/userdata/hosts`],
])('the own id is found: %s', (_engine, root) => {
  const text = [line('/', '/'), line(root, '/etc/hostname'), line('/x', '/data')].join('\n')
  expect(ownContainerId(text)).toBe(ID)
})

test('an engine host that has containers, or mounts one at another place, is in none', () => {
  const text = [
    line('/', `/var/lib/docker/containers/${OTHER}/mounts/shm`),
    line(`/var/lib/docker/containers/${OTHER}/hostname`, '/mnt/hostname'),
    line('/etc/hostname', '/etc/hostname'),
  ].join('\n')
  expect(ownContainerId(text)).toBeNull()
  expect(ownContainerId('')).toBeNull()
})

const mounts = [
  { Type: 'bind', Source: '/home/me/creel/data', Destination: '/app/data' },
  { Type: 'bind', Source: '/fast/mail', Destination: '/app/data/mail' },
  { Type: 'volume', Source: '/var/lib/docker/volumes/g/_data', Destination: '/app/groups' },
  { Type: 'tmpfs', Source: '', Destination: '/app/scratch' },
]

test.each([
  ['/app/data', '/home/me/creel/data'],
  ['/app/data/run/garden', '/home/me/creel/data/run/garden'],
  ['/app/data/mail/garden/in', '/fast/mail/garden/in'],
  ['/app/data/mailbox', '/home/me/creel/data/mailbox'],
  ['/app/groups/garden/memory', '/var/lib/docker/volumes/g/_data/garden/memory'],
])('%s is %s for the engine', (path, expected) => {
  expect(enginePath(path, mounts)).toBe(expected)
})

test('the root as a mount, on either side', () => {
  expect(enginePath('/srv/x', [{ Type: 'bind', Source: '/', Destination: '/' }])).toBe('/srv/x')
  expect(enginePath('/host/srv', [{ Type: 'bind', Source: '/', Destination: '/host' }])).toBe('/srv')
})

test.each(['/app/scratch/x', '/elsewhere', '/app/database'])(
  '%s is refused: the engine has no such folder',
  (path) => {
    expect(() => enginePath(path, mounts)).toThrow(`${path} is inside Creel's own container`)
  },
)
