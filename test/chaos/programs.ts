import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { rolldown } from 'rolldown'

const PROJECT = resolve(import.meta.dirname, '../..')
const HOST = 'test/chaos/chaos-host.ts'
const RUNNER = 'test/chaos/chaos-runner.ts'
/** What they start in turn, by the folder it lies in. */
const STARTED = [
  'src/adapters/file-store/child-main.ts',
  'src/adapters/outbox-reader/child-main.ts',
  'src/adapters/outbox-reader/watch-parent.ts',
  'src/adapters/mailbox/writer-main.ts',
  'src/adapters/loop-watch/watchdog-main.ts',
] as const

/**
 * The programs of a chaos run, each in one file: host and runner, from the same source as always, start in half the
 * time. A run starts thousands of them.
 */
export class Programs implements Disposable {
  readonly host: string
  readonly runner: string
  /** Where Node keeps what it compiled of them. */
  readonly compileCache: string
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
    this.host = bundleOf(folder, HOST)
    this.runner = bundleOf(folder, RUNNER)
    this.compileCache = join(folder, 'compiled')
  }

  /** Takes about a second. */
  static async build(): Promise<Programs> {
    const folder = mkdtempSync(join(tmpdir(), 'creel-chaos-programs-'))
    // What is not put in is found.
    symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'))
    const bundle = await rolldown({
      input: Object.fromEntries(
        [HOST, RUNNER, ...STARTED].map((file) => [nameOf(file), join(PROJECT, file)]),
      ),
      platform: 'node',
      // Native code, threads of their own, and a large runtime that nobody needs here.
      external: [/better-sqlite3/, /^pino$/, /^dockerode$/, /claude-agent-sdk/],
      plugins: [{ name: 'places', transform: (code, id) => placed(code, id, folder) }],
      logLevel: 'silent',
    })
    await bundle.write({
      dir: folder,
      format: 'esm',
      entryFileNames: '[name].mjs',
      chunkFileNames: '[hash].mjs',
    })
    await bundle.close()
    return new Programs(folder)
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function nameOf(file: string): string {
  return `${basename(dirname(file))}-${basename(file, '.ts')}`
}

function bundleOf(folder: string, file: string): string {
  return join(folder, `${nameOf(file)}.mjs`)
}

/** Where a module finds the files beside it; what it starts is a bundle, too. */
function placed(code: string, id: string, folder: string): string | null {
  if (id.includes('node_modules') || !code.includes('import.meta.')) return null
  const beside = dirname(id)
  const bundleBeside = (name: string) => bundleOf(folder, join(beside, name))
  const isStarted = (name: string) => STARTED.some((file) => join(PROJECT, file) === join(beside, name))
  return code
    .replace(/new URL\('\.\/([\w-]+\.ts)', import\.meta\.url\)/g, (all, name: string) =>
      isStarted(name) ? `new URL(${JSON.stringify(pathToFileURL(bundleBeside(name)).href)})` : all,
    )
    .replace(/join\(import\.meta\.dirname, '([\w-]+\.ts)'\)/g, (all, name: string) =>
      isStarted(name) ? JSON.stringify(bundleBeside(name)) : all,
    )
    .replaceAll('import.meta.dirname', JSON.stringify(beside))
    .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href))
}
