import { PACKAGE_MANAGERS } from '@creel/protocol'
import { z } from 'zod'
import type { Groups } from '../config/groups.ts'
import type { Approval } from '../domain/approval.ts'
import { CreelError, errorText } from '../domain/errors.ts'
import type { GroupName, UnixMs } from '../domain/ids.ts'
import {
  countOf,
  type PackageList,
  packageList,
  packagesKey,
  packageWords,
  withPackages,
} from '../domain/packages.ts'
import type { PackageImages } from '../packages/package-images.ts'
import type { ApprovalKind, AskedFor } from './approval-kind.ts'
import { quoted } from './quoted.ts'

const OPEN_MS = 24 * 3_600_000
const MAX_REASON = 300
const MAX_WORD = 250
const LOOK_MS = 1_000

const Names = z.array(z.string())
const Payload = z.strictObject({ apt: Names, npm: Names, pip: Names })
/** What of it is there even when nobody was asked. */
const Asked = z.object({ apt: Names, npm: Names, pip: Names })

export interface PackagesKindPorts {
  readonly groups: Pick<Groups, 'exists' | 'load' | 'setPackages'>
  readonly images: Pick<PackageImages, 'progress'>
  /** Says to whoever allowed it that it takes a while. Idempotent. */
  readonly begun: (approval: Approval) => void
}

/**
 * Packages for the image of an agent. What was allowed is built first, and then written into its container.json, which
 * an owner may also edit: so an agent's settings never name what could not be installed.
 */
export function packagesKind({ groups, images, begun }: PackagesKindPorts): ApprovalKind {
  const wishOf = (group: GroupName, asked: PackageList) => {
    const { provider, image, packages } = groups.load(group)
    return { provider, image, packages: withPackages(packages, asked) }
  }
  return {
    name: 'packages',
    decides: 'admin',
    renews: true,
    read(group, ask) {
      if (ask.kind !== 'packages') throw new Error(`an ask of kind ${ask.kind}`)
      try {
        const asked = packageList(ask)
        if (countOf(asked) === 0) return { settled: 'denied', outcome: 'Name at least one package.' }
        const there = packagesKey(groups.load(group).packages) === packagesKey(wishOf(group, asked).packages)
        return there
          ? { settled: 'done', outcome: 'They are among the packages of your sandbox already.' }
          : readAsk(asked, ask.reason)
      } catch (error) {
        if (error instanceof CreelError) return { settled: 'denied', outcome: errorText(error) }
        throw error
      }
    },
    async carryOut(approval) {
      const { group, decidedAt } = approval
      if (!groups.exists(group)) throw new CreelError('not_found', `there is no agent ${group} any more`)
      const asked = packageList(Payload.parse(JSON.parse(approval.payload)))
      const wish = wishOf(group, asked)
      const progress = await images.progress(wish, decidedAt ?? (0 as UnixMs))
      if (progress.state === 'building') {
        begun(approval)
        return { waitMs: LOOK_MS }
      }
      if (progress.state === 'failed') throw new CreelError('invalid', problemText(progress.problem))
      // Its settings may be others by now: what is written is what was built.
      if (packagesKey(wishOf(group, asked).packages) !== packagesKey(wish.packages)) return { waitMs: 0 }
      groups.setPackages(group, wish.packages)
      return `They are installed: ${wordsOf(asked)}. They are in your sandbox from now on, each time it starts.`
    },
    about: ({ payload }) => {
      const { apt, npm, pip } = Asked.parse(JSON.parse(payload))
      return `your request for the packages ${quoted([...apt, ...npm, ...pip].join(', '), MAX_REASON)}`
    },
    expired: () => 'Nobody decided in time, which counts as a no. Go on without them.',
  }
}

function readAsk(asked: PackageList, reason: string): AskedFor {
  const lines = PACKAGE_MANAGERS.flatMap((manager) =>
    asked[manager].map((text) => `- ${manager}: ${quoted(text, MAX_WORD)}`),
  )
  return {
    payload: asked,
    what: [
      'wants these packages installed in its sandbox, with all that they need, each from the registry of this machine:',
      '',
      ...lines,
      '',
      `Its words: ${quoted(reason, MAX_REASON)}`,
      '',
      'They are strangers’ programs. They are installed apart from your data and keys, and may do what the agent itself may do.',
    ].join('\n'),
    choices: [
      { id: 'install', label: 'Install', allows: true },
      { id: 'deny', label: 'Deny', allows: false },
    ],
    openMs: OPEN_MS,
  }
}

function wordsOf(asked: PackageList): string {
  return packageWords(asked)
    .map((word) => quoted(word, MAX_WORD))
    .join(', ')
}

/** Somebody else's words, each line by itself. */
function problemText(problem: string): string {
  const [first = '', ...rest] = problem.split('\n')
  const said = rest.filter((line) => line.trim() !== '').map((line) => quoted(line, MAX_REASON))
  return [first, ...said].join('\n')
}
