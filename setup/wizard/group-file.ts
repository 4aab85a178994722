import { readFileSync, statSync } from 'node:fs'
import { check } from '../../src/config/load.ts'
import { GroupConfig } from '../../src/config/schema.ts'
import { CreelError, errorText } from '../../src/domain/errors.ts'
import { replaceFile } from '../../src/replace-file.ts'

/**
 * Changes what drives an agent in its container.json, which keeps its other keys and their order. Atomic. Throws
 * CreelError when the file is broken, or would be; nothing is written then.
 */
export function changeGroupFile(
  file: string,
  keys: { readonly provider: string; readonly model?: string | undefined },
): void {
  const before = readFileSync(file, 'utf8')
  const known = parsed(file, before)
  // A model belongs to its provider: with another one it is not kept.
  const model = keys.model ?? (known.provider === keys.provider ? known.model : undefined)
  const settings = { ...known, provider: keys.provider, ...(model === known.model ? {} : { model }) }
  check(file, GroupConfig, settings)
  const after = `${JSON.stringify(settings, null, 2)}\n`
  if (after !== before) replaceFile(file, after, statSync(file).mode & 0o777)
}

function parsed(file: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch (error) {
    throw new CreelError('invalid', `${file}: not valid JSON (${errorText(error)})`, {
      hint: 'mend it by hand, then run this again',
    })
  }
  throw new CreelError('invalid', `${file}: expected an object`, {
    hint: 'mend it by hand, then run this again',
  })
}
