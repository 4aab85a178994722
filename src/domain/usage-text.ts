import type { UsageSum } from './ports/usage.ts'

/** `1234`, `56.1 k`, `7.2 M`. */
export function countText(n: number): string {
  if (n < 10_000) return String(Math.round(n))
  return n < 1_000_000 ? `${(n / 1_000).toFixed(1)} k` : `${(n / 1_000_000).toFixed(1)} M`
}

/** `$0.0123`, `$4.56`; what no runtime named is no nought. */
export function costText(usd: number | null): string {
  if (usd === null) return 'cost not reported'
  return `$${usd.toFixed(usd < 1 ? 4 : 2)}`
}

/** One line for a person. */
export function usageText(sum: UsageSum): string {
  if (sum.turns === 0) return 'nothing reported yet'
  const cached = sum.cacheReadTokens + sum.cacheWriteTokens
  const input = `${countText(sum.inputTokens)} in`
  return [
    `${sum.turns} ${sum.turns === 1 ? 'turn' : 'turns'}`,
    cached === 0 ? input : `${input} + ${countText(cached)} cached`,
    `${countText(sum.outputTokens)} out`,
    costText(sum.costUsd),
  ].join(' · ')
}
