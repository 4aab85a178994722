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
