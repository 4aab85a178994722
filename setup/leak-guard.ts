import { lastWords, type RunCommand } from './command.ts'
import { oneTest, type Tally } from './test-tally.ts'

/** Installs that tests make give themselves an id that begins so. */
const TEST_INSTALL = /^test/

/**
 * Fails when sandboxes of test installs are left behind, and says which; removes them, so that the next run is not
 * blamed for them. `before` holds the ids of those that were there when the run began.
 */
export async function checkLeaks(
  run: RunCommand,
  socket: string,
  suite: string,
  before: ReadonlySet<string>,
): Promise<Tally> {
  const name = `${suite} leaves no sandbox behind`
  const left = (await testSandboxes(run, socket)).filter(({ id }) => !before.has(id))
  if (left.length === 0) return oneTest(name, null)
  await run('docker', ['-H', `unix://${socket}`, 'rm', '-f', ...left.map(({ id }) => id)])
  return oneTest(name, `left behind: ${left.map((sandbox) => sandbox.name).join(', ')}`)
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
