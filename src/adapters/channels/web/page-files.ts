import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

export interface PageFile {
  readonly body: string
  readonly type: string
  readonly etag: string
}

const TYPES = { html: 'text/html', css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' } as const

/** Everything the browser can load. A name that is not here does not exist: no path is made from a request. */
const NAMES = [
  'index.html',
  'login.html',
  'welcome.html',
  'style.css',
  'frame.css',
  'chat.css',
  'files.css',
  'memory.css',
  'icon.svg',
  'app.js',
  'agents.js',
  'chat-log.js',
  'composer.js',
  'connection.js',
  'line-choices.js',
  'line-files.js',
  'login.js',
  'memory.js',
  'new-id.js',
  'outgoing.js',
  'picked-files.js',
] as const

export type PageName = (typeof NAMES)[number]

/** Reads the files of the page once. Throws when one is missing: the installation is broken then. */
export function loadPageFiles(): ReadonlyMap<string, PageFile> {
  return new Map(NAMES.map((name) => [name, loadPageFile(name)]))
}

function loadPageFile(name: PageName): PageFile {
  const body = readFileSync(new URL(`./page/${name}`, import.meta.url), 'utf8')
  const extension = name.slice(name.lastIndexOf('.') + 1) as keyof typeof TYPES
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
  return { body, type: `${TYPES[extension]}; charset=utf-8`, etag }
}
