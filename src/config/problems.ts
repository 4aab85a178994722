import type { z } from 'zod'

const SHOWN = 60

/** One sentence per problem: key, what was expected, what was found. */
export function problemsOf(error: z.ZodError, raw: unknown): string[] {
  return error.issues.map((issue) => {
    const key = issue.path.length === 0 ? 'the file' : issue.path.map(String).join('.')
    if (issue.code === 'unrecognized_keys') {
      const where = issue.path.length === 0 ? '' : `${key}.`
      return issue.keys.map((name) => `${where}${name}: there is no such key`).join('; ')
    }
    const got = JSON.stringify(valueAt(raw, issue.path))?.slice(0, SHOWN) ?? 'nothing'
    return `${key}: expected ${expectation(issue)}, got ${got}`
  })
}

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected
    case 'invalid_value':
      return issue.values.map((value) => JSON.stringify(value)).join(' or ')
    case 'too_small':
      return `at least ${issue.minimum}`
    case 'too_big':
      return `at most ${issue.maximum}`
    default:
      return issue.message
  }
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  let value = raw
  for (const key of path) {
    if (value === null || typeof value !== 'object') return undefined
    value = Reflect.get(value, key)
  }
  return value
}
