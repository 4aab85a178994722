import { MAX_PACKAGES, type PackageManager, packageForm, readPackage } from '@creel/protocol'
import { z } from 'zod'
import { packageList } from './packages.ts'

function packagesOf(manager: PackageManager) {
  const isOne = (text: string) => typeof readPackage(manager, text) !== 'string'
  return z
    .array(z.string().refine(isOne, packageForm(manager)))
    .max(MAX_PACKAGES)
    .default([])
}

/** `packages` of container.json; in the form of `packageList`, whatever the order in the file. */
export const PackageSettings = z
  .strictObject({ apt: packagesOf('apt'), npm: packagesOf('npm'), pip: packagesOf('pip') })
  .refine(({ apt, npm, pip }) => apt.length + npm.length + pip.length <= MAX_PACKAGES, {
    error: `at most ${MAX_PACKAGES} packages in all`,
    abort: true,
  })
  .transform(packageList)
