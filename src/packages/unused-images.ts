import type { Clock } from '../domain/ports/clock.ts'
import type { PackageImage, PackageStore } from '../domain/ports/packages.ts'
import type { ImageWish, Wishes } from './image-wish.ts'

/** So long an image may wait for whoever wanted it to take it up. */
const NEW_MS = 3_600_000

/** Images that no group runs with, wants, or could go back to; none while it cannot be told of each group. */
export async function unusedImages(
  { store, wishes, clock }: { store: PackageStore; wishes: Wishes; clock: Pick<Clock, 'now'> },
  tagOf: (wish: ImageWish) => Promise<string>,
): Promise<readonly PackageImage[]> {
  const old = store.images().filter(({ state, at }) => state !== 'wanted' && clock.now() - at >= NEW_MS)
  if (old.length === 0) return []
  const groups = await wishes()
  if (!groups.all) return []
  const kept = new Set<string>()
  for (const { group, ...wish } of groups.wishes)
    for (const list of [wish.packages, ...store.listsOf(group)])
      kept.add(await tagOf({ ...wish, packages: list }))
  return old.filter(({ tag }) => !kept.has(tag))
}
