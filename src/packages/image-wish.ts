import type { WantedImage } from '../config/schema.ts'
import type { GroupName } from '../domain/ids.ts'
import type { PackageList } from '../domain/packages.ts'

/** What a group's image is to hold. */
export type ImageWish = WantedImage & { readonly packages: PackageList }

/** What the groups want that can be read, and whether those are all. */
export type Wishes = () => Promise<{
  readonly wishes: readonly (ImageWish & { readonly group: GroupName })[]
  readonly all: boolean
}>
