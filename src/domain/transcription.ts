import { z } from 'zod'
import { BaseUrl } from './base-url.ts'
import { SecretName } from './secret.ts'

/** Name of the place in a command where the path of the recording goes. */
export const RECORDING = '{file}'

/** `[transcription]` of creel.toml. Off while it names neither a command nor an address. */
export const TranscriptionSettings = z
  .strictObject({
    /** Program and arguments, run without a shell; `{file}` is the path of the recording, else it is the standard input. */
    command: z.array(z.string().min(1)).max(50).default([]),
    /** In place of a command: a service with `/v1/audio/transcriptions` below this address. */
    base_url: z.union([z.literal(''), BaseUrl]).default(''),
    model: z.string().min(1).max(100).default('whisper-1'),
    /** Language that is spoken, `de`; empty = it is found out. */
    language: z
      .string()
      .regex(/^(?:[a-z]{2,3})?$/, 'a code such as "de", or nothing')
      .default(''),
    /** Name of the service's key in the vault; empty = it needs none. */
    secret: z.union([z.literal(''), SecretName]).default(''),
    /** A recording that takes longer is given up. */
    timeout_s: z.number().int().min(1).max(3_600).default(120),
    /** Larger or longer ones are not tried. */
    max_mb: z.number().int().min(1).max(50).default(20),
    max_s: z.number().int().min(1).max(86_400).default(600),
    /** Voice messages of one chat that may wait for their turn. */
    queue: z.number().int().min(1).max(1_000).default(20),
    /** Recordings at once, of all chats. */
    at_once: z.number().int().min(1).max(16).default(1),
  })
  .superRefine(({ command, base_url, secret }, context) => {
    const issue = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message })
    if (command.length > 0 && base_url !== '') issue('base_url', 'nothing beside a command: one of the two')
    if (secret === '') return
    if (base_url === '') issue('secret', 'nothing without base_url')
    else if (!isPrivateWay(base_url))
      issue('base_url', 'an https address, or one of this machine, since a key goes there')
  })
export type TranscriptionSettings = z.infer<typeof TranscriptionSettings>

/** Whether voice messages are transcribed at all. */
export function transcribes({ command, base_url }: TranscriptionSettings): boolean {
  return command.length > 0 || base_url !== ''
}

function isPrivateWay(address: string): boolean {
  const { protocol, hostname } = new URL(address)
  return protocol === 'https:' || ['127.0.0.1', 'localhost', '[::1]'].includes(hostname)
}
