// Makes the runner that the image carries: one file of JavaScript and the SQLite addon beside it, and a file more for
// each provider that is imported when it is chosen.
import { basename, dirname, resolve } from 'node:path'
import { build } from 'esbuild'

const [outDir = 'dist'] = process.argv.slice(2)

/** Files with an `import(…)` in runner code, by the name of the file they become. */
const imported = new Map()
const importedLater = {
  name: 'imported-later',
  setup: ({ onResolve }) =>
    onResolve({ filter: /^\.{1,2}\// }, ({ kind, path, resolveDir }) => {
      if (kind !== 'dynamic-import' || resolveDir.includes('node_modules')) return undefined
      const file = resolve(resolveDir, path)
      const name = `${basename(dirname(file))}-${basename(file, '.ts')}.mjs`
      imported.set(name, file)
      return { path: `./${name}`, external: true }
    }),
}

/** The Claude SDK can serve tools itself, with a library that it wants installed beside it; ours are served elsewhere. */
const notNeeded = {
  name: 'not-needed',
  setup: ({ onLoad, onResolve }) => {
    onResolve({ filter: /^@modelcontextprotocol\/sdk\// }, ({ importer, path }) =>
      importer.includes('claude-agent-sdk') ? { path, namespace: 'not-needed' } : undefined,
    )
    onLoad({ filter: /.*/, namespace: 'not-needed' }, () => ({ contents: 'module.exports = {}' }))
  },
}

const shared = {
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
  plugins: [importedLater, notNeeded],
}

await build({
  ...shared,
  entryPoints: ['runner/src/main.ts'],
  // CommonJS: node loads it some milliseconds sooner than a module, and a cold start is all there is to win here.
  outfile: `${outDir}/runner.cjs`,
  format: 'cjs',
})
// The `creel` command of the agent's shell.
await build({
  ...shared,
  entryPoints: ['runner/src/shell/creel-main.ts'],
  outfile: `${outDir}/creel.mjs`,
  format: 'esm',
  banner: { js: '#!/usr/local/bin/node' },
})
// What brings a tool server at an address to runtimes.
await build({
  ...shared,
  entryPoints: ['runner/src/tool-bridge/bridge-main.ts'],
  outfile: `${outDir}/tool-bridge.mjs`,
  format: 'esm',
  banner: {
    js: "import { createRequire as creelRequire } from 'node:module';const require = creelRequire(import.meta.url);",
  },
})
for (const [name, file] of imported) {
  await build({
    ...shared,
    entryPoints: [{ in: file, out: basename(name, '.mjs') }],
    // Modules: libraries ask for import.meta.url. Parts that a library itself imports later are files of their own.
    outdir: outDir,
    outExtension: { '.js': '.mjs' },
    chunkNames: `${basename(name, '.mjs')}-[hash]`,
    splitting: true,
    format: 'esm',
    banner: {
      js: "import { createRequire as creelRequire } from 'node:module';const require = creelRequire(import.meta.url);",
    },
  })
}
