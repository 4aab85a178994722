import { z } from 'zod'
import { PROVIDERS } from '../../src/config/schema.ts'
import { isGroupName } from '../../src/domain/ids.ts'

/** One line of visible characters; never echoed in an error. */
const Secret = z
  .string()
  .max(16_384)
  .regex(/^[\x21-\x7e]+$/, 'one line of visible characters without spaces')

/** All that can be said beforehand, by flags or as JSON on standard input. What is left out has its default. */
export const SetupAnswers = z.strictObject({
  /** Where data goes; left out = as creel.toml says. */
  data_dir: z.string().min(1).optional(),
  provider: z
    .strictObject({
      name: z.enum(PROVIDERS),
      /** API key, or the token of `claude setup-token`; left out = what the vault has. */
      key: Secret.optional(),
      /** A proxy or a local model in place of the service's own address. */
      base_url: z.url({ protocol: /^https?$/ }).optional(),
      model: z.string().min(1).max(200).optional(),
      /** false = a key is kept without trying it. */
      check: z.boolean().default(true),
    })
    .optional(),
  group: z
    .strictObject({
      name: z.string().refine(isGroupName, 'a-z, 0-9 and -, at most 31 characters'),
      /** Who it is, in one line: the beginning of its AGENTS.md. */
      persona: z.string().min(1).max(2_000).optional(),
    })
    .optional(),
  telegram: z
    .strictObject({
      /** Of @BotFather; left out = the bot that creel.toml has. */
      token: Secret.optional(),
      /** A self-hosted Bot API server. */
      api_root: z.url({ protocol: /^https?$/ }).optional(),
      /** false = the token is kept without asking Telegram whose it is. */
      check: z.boolean().default(true),
      /** Who is its owner, where that is known. */
      owner: z
        .string()
        .regex(/^telegram:\d{1,20}$/, 'such as telegram:12345')
        .optional(),
      /** Shows a pairing code and waits so long for somebody to send it, and then for a first message. */
      wait_s: z.number().int().min(0).max(600).default(0),
    })
    .optional(),
  /** A unit of systemd, or settings for Docker Compose: written, and with `enable` started now and with the machine. */
  service: z
    .strictObject({ kind: z.enum(['systemd', 'compose']), enable: z.boolean().default(false) })
    .optional(),
  /** false = no message is sent at the end, and nothing is started. */
  trip: z.boolean().default(true),
})
export type SetupAnswers = z.infer<typeof SetupAnswers>
