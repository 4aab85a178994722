/** Chance for back-off jitter: [0, 1). Nothing that must not be guessed comes from it. */
export function systemRandom(): number {
  return Math.random()
}
