// Rewrites the tables of features in README (`npm run features`) from what the last `./creel test` left of each suite, or
// from what vitest's JSON reporter wrote:
//   npx vitest run --project providers --reporter=json --outputFile=providers.json
//   node setup/feature-table-main.ts providers.json
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { outcomesOf, withTables } from './feature-table.ts'
import { SUITES } from './test-suites.ts'
import { readSuiteResult, suiteResultFile } from './test-tally.ts'

const root = join(import.meta.dirname, '..')
const file = join(root, 'README.md')
const named = process.argv.slice(2)
const outcomes =
  named.length > 0
    ? outcomesOf(named.map((name): unknown => JSON.parse(readFileSync(name, 'utf8'))))
    : new Map(
        SUITES.flatMap(({ name }) =>
          Object.entries(readSuiteResult(suiteResultFile(join(root, '.creel'), name))?.outcomes ?? {}),
        ),
      )
writeFileSync(file, withTables(readFileSync(file, 'utf8'), outcomes))
