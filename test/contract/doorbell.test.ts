import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RING } from '@creel/protocol'
import { SocketDoorbell } from '../../src/adapters/doorbell/socket-doorbell.ts'
import { Paths } from '../../src/paths.ts'
import { FakeDoorbell } from '../fakes/fake-doorbell.ts'
import { type DoorbellWorld, doorbellContract } from './doorbell.ts'

doorbellContract('unix socket', async () => socketWorld())
doorbellContract('fake', async () => fakeWorld())

function socketWorld(): DoorbellWorld {
  const root = mkdtempSync(join(tmpdir(), 'creel-bell-'))
  const paths = new Paths(join(root, 'd'), join(root, 'g'))
  const doorbell = new SocketDoorbell({ paths })
  return {
    doorbell,
    async connect(group) {
      const socket = connect(paths.doorbell(group))
      let heard = 0
      socket.on('data', (chunk) => {
        heard += chunk.length
      })
      // Writing to a bell that was closed is part of the contract; the runner's end may fail as it likes.
      socket.on('error', () => socket.destroy())
      await once(socket, 'connect')
      return { press: () => void socket.write(RING), heard: () => heard, hangUp: () => socket.destroy() }
    },
    async [Symbol.asyncDispose]() {
      await doorbell.close()
      rmSync(root, { recursive: true })
    },
  }
}

function fakeWorld(): DoorbellWorld {
  const doorbell = new FakeDoorbell()
  return {
    doorbell,
    async connect(group) {
      const before = doorbell.rings.get(group) ?? 0
      doorbell.runners.add(group)
      return {
        press: () => doorbell.press(group),
        heard: () => (doorbell.rings.get(group) ?? 0) - before,
        hangUp: () => void doorbell.runners.delete(group),
      }
    },
    [Symbol.asyncDispose]: () => doorbell.close(),
  }
}
