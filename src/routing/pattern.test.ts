import { describe, expect, test } from 'vitest'
import { checkPattern, matchesPattern } from './pattern.ts'

describe('patterns', () => {
  test('match anywhere in the text, in any case', () => {
    expect(matchesPattern('water(ing)?', 'Please WATER the plants')).toBe(true)
    expect(matchesPattern('^water', 'Please water')).toBe(false)
  })

  test('take time in proportion to the text, whatever the expression', () => {
    const before = performance.now()
    expect(matchesPattern('(a+)+$', `${'a'.repeat(20_000)}b`)).toBe(false)
    expect(performance.now() - before).toBeLessThan(10_000)
  })

  test('are refused with a reason when they are no RE2 or too long', () => {
    expect(() => checkPattern('(')).toThrow(/not a valid RE2 expression/)
    expect(() => checkPattern('(?=x)')).toThrow(/not a valid RE2 expression/)
    expect(() => checkPattern('a'.repeat(501))).toThrow(/at most 500 characters, got 501/)
    expect(() => checkPattern('a+')).not.toThrow()
  })

  test('that went bad in the table match nothing', () => {
    expect(matchesPattern('(', '(')).toBe(false)
  })
})
