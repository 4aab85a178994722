// Makes the runner that the image carries: one file of JavaScript and the SQLite addon beside it.
import { build } from 'esbuild'

const [outDir = 'dist'] = process.argv.slice(2)

await build({
  entryPoints: ['runner/src/main.ts'],
  outfile: `${outDir}/runner.mjs`,
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  // The addon by its name, copied beside the bundle: nothing is searched for at start.
  alias: { 'better-sqlite3': `better-sqlite3/linux-${process.arch}` },
  loader: { '.node': 'copy' },
  assetNames: '[name]',
  // The SQLite package is CommonJS and calls `require`.
  banner: { js: 'import{createRequire as $r}from"node:module";const require=$r(import.meta.url);' },
})
