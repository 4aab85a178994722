import { z } from 'zod'
import { existingGroup } from './group-commands.ts'
import type { OperatorCommand } from './ports.ts'

const MAX_FOUND = 200

export const memoryList: OperatorCommand = {
  run(ports, args) {
    const { group } = z.object({ group: z.string() }).parse(args)
    return ports.memory.list(existingGroup(ports, group))
  },
}

export const memoryShow: OperatorCommand = {
  run(ports, args) {
    const { group, path } = z.object({ group: z.string(), path: z.string().min(1).max(1_000) }).parse(args)
    return ports.memory.read(existingGroup(ports, group), path)
  },
}

export const memorySearch: OperatorCommand = {
  run(ports, args) {
    const Args = z.object({ group: z.string(), words: z.array(z.string().min(1).max(200)).min(1).max(10) })
    const { group, words } = Args.parse(args)
    return ports.memory.search(existingGroup(ports, group), words, MAX_FOUND)
  },
}
