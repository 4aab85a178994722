const SOUNDS = /^audio\/(?:ogg|mpeg|mp4|x-m4a|wav|x-wav|webm|aac|flac)(?=$|;)/

/**
 * The type to give a sound out with, by what is said of it; null when browsers are not known to play it. Whoever sent
 * the file chose its type: of these a browser makes nothing but a sound.
 */
export function soundType(mime: string): string | null {
  return SOUNDS.exec(mime)?.[0] ?? null
}
