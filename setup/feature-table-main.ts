// Rewrites the tables in docs/features.md from what vitest's JSON reporter wrote:
//   npx vitest run --project providers --reporter=json --outputFile=providers.json
//   node setup/feature-table-main.ts providers.json telegram.json web.json unit.json
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { featureTables, outcomesOf, withTables } from './feature-table.ts'

const file = join(import.meta.dirname, '..', 'docs', 'features.md')
const results = process.argv.slice(2).map((name): unknown => JSON.parse(readFileSync(name, 'utf8')))
if (results.length === 0) throw new Error('name the JSON results of the test run')
writeFileSync(file, withTables(readFileSync(file, 'utf8'), featureTables(outcomesOf(results))))
