import { lastWords, type RunCommand } from './command.ts'
import type { Machine } from './machine.ts'
import { oneTest, type Tally } from './test-tally.ts'

/** Installs that tests make give themselves an id that begins so. */
const TEST_INSTALL = /^test/

/** A removal that a test asked for may still be under way. */
const GRACE_MS = 10_000
const POLL_MS = 500

/**
 * Fails when sandboxes of test installs are left behind, and says which. Removes nothing: another run of the tests
 * may be using them. `before` holds the ids of those that were there when they began.
 */
export async function checkLeaks(
  machine: Pick<Machine, 'run' | 'sleep'>,
  socket: string,
  before: ReadonlySet<string>,
): Promise<Tally> {
  const name = 'the suites leave no sandbox behind'
  let left: { id: string; name: string }[] = []
  for (let waited = 0; waited <= GRACE_MS; waited += POLL_MS) {
    left = (await testSandboxes(machine.run, socket)).filter(({ id }) => !before.has(id))
    if (left.length === 0) return oneTest(name, null)
    await machine.sleep(POLL_MS)
  }
  const names = left.map((sandbox) => sandbox.name).join(' ')
  return oneTest(
    name,
    `left behind, unless another run of the tests is at work: ${names} (docker rm -f ${names})`,
  )
}

/** Containers of test installs, in any state. */
export async function testSandboxes(
  run: RunCommand,
  socket: string,
): Promise<{ id: string; name: string }[]> {
  const format = '{{.ID}} {{.Names}} {{.Label "creel.install"}}'
  const args = ['-H', `unix://${socket}`, 'ps', '-a', '--filter', 'label=creel.install', '--format', format]
  const listed = await run('docker', args)
  if (listed.code !== 0) throw new Error(`docker ps failed: ${lastWords(listed, 3)}`)
  return listed.stdout
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , install = '']) => TEST_INSTALL.test(install))
    .map(([id = '', name = '']) => ({ id, name }))
}
