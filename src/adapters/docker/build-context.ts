import { createHash } from 'node:crypto'
import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import { CreelError } from '../../domain/errors.ts'

/** Name of the extra CA bundle inside the context; the Dockerfile copies it, empty or not. */
const BUILD_CA = 'build-ca.crt'

export interface ContextFile {
  /** Relative, with `/`. */
  readonly path: string
  readonly mode: 0o644 | 0o755
  readonly content: Buffer
}

/**
 * What an agent image is built from: the files below `dir` without installed packages, tests and hidden files,
 * sorted by path. Throws `invalid` for links and other things that an image cannot be made of alike everywhere.
 */
export async function contextFiles(dir: string): Promise<readonly ContextFile[]> {
  const files: ContextFile[] = []
  const visit = async (below: string): Promise<void> => {
    for (const name of await readdir(join(dir, below))) {
      const path = below === '' ? name : `${below}/${name}`
      if (name === 'node_modules' || name.startsWith('.') || name.endsWith('.test.ts')) continue
      const stat = await lstat(join(dir, path))
      if (stat.isDirectory()) await visit(path)
      else if (stat.isFile()) {
        files.push({
          path,
          mode: stat.mode & 0o100 ? 0o755 : 0o644,
          content: await readFile(join(dir, path)),
        })
      } else {
        throw new CreelError(
          'invalid',
          `${join(dir, path)}: expected a file or folder, got a link or device`,
          {
            hint: 'remove it: the agent image is made from plain files only',
          },
        )
      }
    }
  }
  await visit('')
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Hash over names, modes and contents and what else goes into the image, 16 hex digits. */
export function contextHash(files: readonly ContextFile[], inputs: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify(inputs))
  for (const file of files) {
    const head = [file.path, file.mode, createHash('sha256').update(file.content).digest('hex')]
    hash.update(JSON.stringify(head))
  }
  return hash.digest('hex').slice(0, 16)
}

/** The files as the tar that the engine's build takes. The same files give the same bytes, for the build cache. */
export function contextTar(files: readonly ContextFile[], buildCa: string): Readable {
  const tar = pack()
  for (const file of [...files, { path: BUILD_CA, mode: 0o644, content: Buffer.from(buildCa) }]) {
    tar.entry({ name: file.path, mode: file.mode, mtime: new Date(0), uid: 0, gid: 0 }, file.content)
  }
  tar.finalize()
  return Readable.from(tar)
}
