import type { InstructionFragment, RunnerSettings } from '@creel/protocol'
import { conversationsFragment } from './conversations-fragment.ts'
import { memoryFragment } from './memory/memory-fragment.ts'
import { networkFragment } from './network-fragment.ts'
import { toolsFragment } from './tools/fragment.ts'

type FragmentOf = (settings: RunnerSettings) => InstructionFragment | undefined

/**
 * What parts of the runner have to tell the agent, in this order. A part that adds something to an agent's world adds
 * a line here, with a function in its own file that returns a short text under a heading of its own.
 */
const MODULES: readonly FragmentOf[] = [toolsFragment, networkFragment, memoryFragment, conversationsFragment]

/** The settings with what the runner's own parts add to the host's fragments. */
export function withModuleFragments(settings: RunnerSettings): RunnerSettings {
  const own = MODULES.flatMap((fragmentOf) => fragmentOf(settings) ?? [])
  return { ...settings, fragments: [...settings.fragments, ...own] }
}
