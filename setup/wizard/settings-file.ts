import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { parse } from 'toml'
import { InstallConfig } from '../../src/config/schema.ts'
import { CreelError } from '../../src/domain/errors.ts'
import { replaceFile } from '../../src/replace-file.ts'
import { type Entry, type Setting, tomlString, withEntry, withSetting } from './settings-edit.ts'

export type Change = Setting | Entry

const BEGINNING = '# Settings of this Creel. creel.example.toml shows every key with its default.\n'

/**
 * Writes settings into creel.toml, which keeps its comments and its order. The new text is read back first: unless it
 * says what it said before and the changes, nothing is written. Atomic. Throws CreelError with the lines to type by hand.
 */
export function changeSettings(file: string, changes: readonly Change[]): void {
  const path = existsSync(file) ? realpathSync(file) : file
  const before = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const after = changedText(file, before, changes)
  if (after === before) return
  const mode = existsSync(path) ? statSync(path).mode & 0o777 : 0o644
  replaceFile(path, after, mode)
}

/** The text with the changes. Throws where that cannot be done without touching anything else. */
export function changedText(file: string, before: string, changes: readonly Change[]): string {
  const beginning = before === '' ? BEGINNING : before
  const after = changes.reduce(
    (text, change) => ('list' in change ? withEntry(text, change) : withSetting(text, change)),
    beginning,
  )
  const wanted = changes.reduce<Record<string, unknown>>(applied, structuredClone(asObject(parse(beginning))))
  const kept = after.split('\n')
  const lost = comments(beginning).filter((comment) => !kept.some((line) => line.trim().endsWith(comment)))
  if (lost.length > 0 || !isSame(after, wanted)) throw byHand(file, changes)
  const checked = InstallConfig.safeParse(wanted)
  if (!checked.success) throw byHand(file, changes)
  return after
}

function isSame(text: string, wanted: unknown): boolean {
  try {
    return isDeepStrictEqual(plain(parse(text)), plain(wanted))
  } catch (error) {
    if (error instanceof Error) return false
    throw error
  }
}

/** The parser makes objects without a prototype, which a strict comparison tells apart. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

function applied(settings: Record<string, unknown>, change: Change): Record<string, unknown> {
  if ('list' in change) {
    const known = settings[change.list]
    return { ...settings, [change.list]: [...(Array.isArray(known) ? known : []), change.keys] }
  }
  const set = (object: Record<string, unknown>, path: readonly string[]): Record<string, unknown> => {
    const [first, ...rest] = path
    if (first === undefined) return { ...object, [change.key]: change.value }
    return { ...object, [first]: set(asObject(object[first]), rest) }
  }
  return set(settings, change.table === '' ? [] : change.table.split('.'))
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function comments(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => /#.*$/.exec(line)?.[0].trim() ?? [])
}

function byHand(file: string, changes: readonly Change[]): CreelError {
  const lines = changes.flatMap((change) =>
    'list' in change
      ? [`[[${change.list}]]`, ...Object.entries(change.keys).map(([key, value]) => row(key, value))]
      : [...(change.table === '' ? [] : [`[${change.table}]`]), row(change.key, change.value)],
  )
  return new CreelError('conflict', `${file} cannot be changed without touching more than is meant`, {
    hint: `put these lines into it by hand, then run this again:\n\n${lines.join('\n')}\n`,
  })
}

function row(key: string, value: string): string {
  return `${key} = ${tomlString(value)}`
}
