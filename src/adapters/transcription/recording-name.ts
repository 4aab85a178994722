/** Endings by which programs and services know what a recording is. */
const ENDINGS: Readonly<Record<string, string>> = {
  'audio/ogg': 'ogg',
  'audio/opus': 'ogg',
  'audio/mpeg': 'mp3',
  'audio/mp3': 'mp3',
  'audio/mp4': 'm4a',
  'audio/x-m4a': 'm4a',
  'audio/aac': 'm4a',
  'audio/wav': 'wav',
  'audio/wave': 'wav',
  'audio/x-wav': 'wav',
  'audio/webm': 'webm',
  'audio/flac': 'flac',
}

/** A name of ours for a recording, by the type that its sender gives. Telegram's voice messages are Ogg. */
export function recordingName(mime: string): string {
  const type = mime.split(';')[0]?.trim().toLowerCase() ?? ''
  return `audio.${Object.hasOwn(ENDINGS, type) ? ENDINGS[type] : 'ogg'}`
}
