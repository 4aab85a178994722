import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { instructionParts } from './base-instructions.ts'
import { composeInstructions } from './instructions.ts'
import type { ProviderParts } from './provider.ts'

/**
 * The instructions of the group for a runtime that takes at most `maxBytes`. When they do not fit, the whole of them is
 * put where the agent can read it, and the log says what is missing.
 */
export function providerInstructions(
  parts: Pick<ProviderParts, 'homeDir' | 'settings' | 'log'>,
  maxBytes: number,
): string {
  const folder = join(parts.homeDir, '.creel')
  const whole = join(folder, 'instructions.md')
  const given = instructionParts(parts.settings)
  const { text, leftOut, cut } = composeInstructions(given, maxBytes, whole)
  // The agent can write there: what it left under this name is removed, and a link is not followed.
  rmSync(whole, { recursive: true, force: true })
  if (leftOut.length === 0 && cut === undefined) return text
  mkdirSync(folder, { recursive: true })
  const all = given.map((part) => part.text.trim()).join('\n\n')
  writeFileSync(whole, `${all}\n`, { flag: 'wx', mode: 0o600 })
  parts.log('instructions_shortened', {
    limit: maxBytes,
    leftOut: leftOut.join(', '),
    cut: cut?.name,
    cutBytes: cut?.bytes,
  })
  return text
}
