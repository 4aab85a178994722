import { describe, expect, it } from 'vitest'
import { FakeMachine, type FakeMachineScript } from '../test/fakes/fake-machine.ts'
import { ensureBaseImage } from './base-image.ts'

const ENGINE = 'env DOCKER_HOST=unix:///e.sock'
const SCRIPT = '/p/setup/base-image.sh'
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
const tagged = () => ({ stdout: 'creel-base:1' })
const missing = () => ({ code: 1 })

function ensure(script: FakeMachineScript, yes = true) {
  const machine = new FakeMachine(script)
  const consent = { yes, interactive: false, ask: async () => false }
  const request = { machine, projectDir: '/p', socket: '/e.sock', consent, log: () => undefined }
  return { machine, done: ensureBaseImage(request) }
}

describe('ensureBaseImage', () => {
  it('is one look at the engine when the image is there, for any user', async () => {
    const commands = { [`bash ${SCRIPT} --tag`]: tagged, [`${ENGINE} docker image inspect`]: () => ({}) }
    const { machine, done } = ensure({ uid: 1000, commands }, false)
    expect(await done).toBe('creel-base:1')
    expect(machine.lines).toHaveLength(2)
  })

  it('installs what is missing, then runs the script and takes the tag from its last line', async () => {
    const { machine, done } = ensure({
      programs: ['apt-get', 'docker', 'npm'],
      commands: {
        [`bash ${SCRIPT} --tag`]: tagged,
        [`${ENGINE} docker image inspect`]: missing,
        'env DEBIAN_FRONTEND=noninteractive apt-get': () => ({}),
        [`${ENGINE} bash ${SCRIPT}`]: () => ({ stdout: 'chatter\ncreel-base:1\n' }),
      },
    })
    expect(await done).toBe('creel-base:1')
    expect(machine.lines.find((line) => line.includes(' install '))).toMatch(
      /debootstrap debian-archive-keyring$/,
    )
  })

  it('tells a user without rights what to type', async () => {
    const commands = { [`bash ${SCRIPT} --tag`]: tagged, [`${ENGINE} docker image inspect`]: missing }
    const programs = ['docker', 'debootstrap', 'npm']
    const { done } = ensure({ uid: 1000, programs, files: [KEYRING], commands })
    await expect(done).rejects.toMatchObject({ hint: expect.stringContaining(`sudo ${SCRIPT}`) })
  })

  it('shows the end of what the script said when it fails', async () => {
    const { done } = ensure({
      programs: ['docker', 'debootstrap', 'npm'],
      files: [KEYRING],
      commands: {
        [`bash ${SCRIPT} --tag`]: tagged,
        [`${ENGINE} docker image inspect`]: missing,
        [`${ENGINE} bash ${SCRIPT}`]: () => ({ code: 1, stderr: 'E: mirror is down' }),
      },
    })
    await expect(done).rejects.toThrow('E: mirror is down')
  })
})
