import { GroupRegistry } from '../adapters/groups/group-registry.ts'
import type { Install } from '../config/load.ts'
import type { WantedImage } from '../config/schema.ts'
import { ConfigError } from '../domain/errors.ts'

/**
 * What the images of this install's groups must hold; what a broken group wants is not known. With no group yet, what
 * the first agent will get.
 */
export function imagesInUse(install: Install): readonly WantedImage[] {
  const groups = new GroupRegistry(install.paths)
  const names = groups.names()
  if (names.length === 0) return [{ provider: 'demo' }]
  return names.flatMap((name) => {
    try {
      const { provider, image } = groups.load(name)
      return [{ provider, image }]
    } catch (error) {
      if (error instanceof ConfigError) return []
      throw error
    }
  })
}
