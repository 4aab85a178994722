import { z } from 'zod'

/** Name of the last entry of a backup. */
export const MANIFEST = 'manifest.json'

const ManifestFile = z.object({
  name: z.string(),
  size: z.number().int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
})

export const BackupManifest = z.object({
  creelBackup: z.literal(1),
  madeAt: z.number().int().nonnegative(),
  protocol: z.number().int().positive(),
  files: z.array(ManifestFile),
})

export type ManifestFile = z.infer<typeof ManifestFile>
export type BackupManifest = z.infer<typeof BackupManifest>
