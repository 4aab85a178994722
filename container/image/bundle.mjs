// Makes the runner that the image carries: one file of JavaScript and the SQLite addon beside it.
import { build } from 'esbuild'

const [outDir = 'dist'] = process.argv.slice(2)

await build({
  entryPoints: ['runner/src/main.ts'],
  // CommonJS: node loads it some milliseconds sooner than a module, and a cold start is all there is to win here.
  outfile: `${outDir}/runner.cjs`,
  format: 'cjs',
  bundle: true,
  minify: true,
  // A stack trace shows the whole line.
  lineLimit: 200,
  platform: 'node',
  target: 'node24',
  // The addon by its name, copied beside the bundle: nothing is searched for at start.
  alias: { 'better-sqlite3': `better-sqlite3/linux-${process.arch}` },
  loader: { '.node': 'copy' },
  assetNames: '[name]',
})
