/** One thing that `creel doctor` looked at. */
export interface Finding {
  readonly check: string
  readonly level: 'ok' | 'warning' | 'problem'
  readonly text: string
  readonly hint?: string
}

export function ok(check: string, text: string): Finding {
  return { check, level: 'ok', text }
}

/** A line for a person, and one with what to do. */
export function findingText(finding: Finding): string {
  const mark = { ok: '✓', warning: '!', problem: '✗' }[finding.level]
  const hint = finding.hint === undefined ? '' : `\n    what to do: ${finding.hint}`
  return `${mark} ${finding.check}: ${finding.text}${hint}`
}
