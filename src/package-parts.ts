// Composition root, the part about packages that agents have on their images.
import type { PackagesKindPorts } from './approvals/packages-kind.ts'
import type { WantedImage } from './config/schema.ts'
import type { Core } from './core.ts'
import type { Notices } from './delivery/notices.ts'
import { ConfigError } from './domain/errors.ts'
import type { PackageBuilder } from './domain/ports/packages.ts'
import { Events } from './events.ts'
import type { Log } from './log.ts'
import type { Wishes } from './packages/image-wish.ts'
import { PackageImages } from './packages/package-images.ts'
import type { PumpOptions } from './pump.ts'

const BREATHE_EVERY = 50

interface Given {
  readonly core: Core
  readonly log: Log
  readonly image: (wanted: WantedImage) => Promise<string>
  readonly packageBuilder: PackageBuilder
}

/** Images with packages, to be started and stopped. `host` has its approvals by then. */
export function packageParts(
  { core, log, image, packageBuilder }: Given,
  host: { readonly approvals: { nudge(): void } },
  pump: Pick<PumpOptions<string>, 'clock' | 'log' | 'random' | 'pollMs' | 'backoff'>,
): PackageImages {
  const { packages: store, groups, clock } = core
  const wishes: Wishes = async () => {
    const names = groups.names()
    const found: Awaited<ReturnType<Wishes>>['wishes'][number][] = []
    for (const [index, group] of names.entries()) {
      // A thousand files take longer than the event loop may be held up.
      if (index % BREATHE_EVERY === BREATHE_EVERY - 1) await clock.sleep(0, new AbortController().signal)
      try {
        found.push({ group, ...groups.load(group) })
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
      }
    }
    return { wishes: found, all: found.length === names.length }
  }
  const ended = () => host.approvals.nudge()
  const ports = {
    store,
    builder: packageBuilder,
    baseFor: image,
    wishes,
    clock,
    events: new Events(log),
    ended,
  }
  return new PackageImages(ports, pump)
}

/** What carries out a request for packages, besides the core. */
export function packageRequests(
  host: { readonly packages: PackagesKindPorts['images'] },
  notices: Pick<Notices, 'toChat'>,
): Pick<PackagesKindPorts, 'images' | 'begun'> {
  return {
    images: { progress: (wish, since) => host.packages.progress(wish, since) },
    begun: ({ id, group, chatId, cardChatId, thread }) => {
      const text = `The packages for **${group}** are being installed; that takes a minute or two.`
      const place = cardChatId ?? chatId
      notices.toChat(place, place === chatId ? thread : undefined, text, `packages:${id}`)
    },
  }
}
