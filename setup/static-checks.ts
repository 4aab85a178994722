import { join } from 'node:path'
import { lastWords, type RunCommand } from './command.ts'
import { addTallies, oneTest, type Tally } from './test-tally.ts'

const LIMIT_MS = 5 * 60_000

/** The compiler's and the linter's verdict on the whole tree, counted as two tests. */
export async function staticChecks(
  run: RunCommand,
  projectDir: string,
  log: (line: string) => void,
): Promise<Tally> {
  const tools = [
    { name: 'types (tsc)', script: 'typescript/bin/tsc', args: ['--noEmit', '-p', '.'] },
    {
      name: 'lint and format (biome)',
      script: '@biomejs/biome/bin/biome',
      args: ['check', '--colors=off', '.'],
    },
  ]
  const tallies: Tally[] = []
  for (const { name, script, args } of tools) {
    const options = { cwd: projectDir, timeoutMs: LIMIT_MS }
    const result = await run(process.execPath, [join(projectDir, 'node_modules', script), ...args], options)
    if (result.code !== 0)
      log(`${name}:\n${lastWords({ ...result, stderr: `${result.stdout}\n${result.stderr}` }, 40)}`)
    tallies.push(oneTest(name, result.code === 0 ? null : `exit ${result.code}, see above`))
  }
  return addTallies(tallies)
}
