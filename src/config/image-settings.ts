import { z } from 'zod'

/** What a group's image holds beside the runtime of its provider. */
export const ImageSettings = z.strictObject({
  /** Chromium, and what the skill `browser` drives it with. */
  browser: z.boolean().default(false),
})

export type ImageSettings = z.infer<typeof ImageSettings>

/** What of a container.json decides which image its sandbox runs on. */
export interface WantedImage {
  readonly provider: string
  readonly image?: ImageSettings
}
