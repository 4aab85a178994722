/** Values of renewed logins pile up; more than this are not in use any more. */
const MAX_KNOWN = 2_000
/** What is shorter stands in ordinary text by chance. */
const MIN_LENGTH = 8

/**
 * Knows every secret that this process has seen, and takes them out of texts. The last line of defence, behind parts
 * that do not put secrets into texts in the first place.
 */
export class SecretMask {
  readonly #known = new Set<string>()

  learn(secrets: Iterable<string>): void {
    for (const secret of secrets) {
      if (secret.length < MIN_LENGTH) continue
      this.#known.delete(secret)
      this.#known.add(secret)
      const [oldest] = this.#known
      if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest)
    }
  }

  /** The text with asterisks where a secret stood, as it is or as JSON writes it. */
  clean(text: string): string {
    let cleaned = text
    for (const secret of this.#known) {
      if (cleaned.includes(secret)) cleaned = cleaned.replaceAll(secret, '***')
      const escaped = JSON.stringify(secret).slice(1, -1)
      if (escaped !== secret) cleaned = cleaned.replaceAll(escaped, '***')
    }
    return cleaned
  }
}
