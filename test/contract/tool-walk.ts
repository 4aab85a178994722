import { expect, it } from 'vitest'

/** One call of a tool, and what comes of it. */
export interface ToolUse {
  readonly tool: string
  /** What the test shows, behind the tool's name. */
  readonly shows: string
  readonly args: object | ((walk: Walk) => object)
  /** In what the agent is told. */
  readonly told: RegExp
  /** What the person sees of it, besides the answer. */
  readonly seen?: (walk: Walk) => string
  /** A button that the person then presses. */
  readonly press?: string
  /** What the agent is told later, in a turn of its own. */
  readonly later?: (walk: Walk) => string
}

/** What calls can build on. */
export interface Walk {
  /** Another one for each walk, of letters. */
  readonly name: string
  /** What the agent was told of its last call of this tool: the first group of `part`. */
  told(tool: string, part: RegExp): string
}

/** An agent that calls tools for a person, and what that person sees. */
export interface ToolWalker {
  readonly name: string
  /** Has the agent call this tool, waits for the end of the turn, and returns what the agent was told. */
  call(tool: string, args: object): Promise<string>
  /** Waits until the person sees this. */
  sees(part: string): Promise<void>
  press(label: string): Promise<void>
  /** Waits until the agent was told this. */
  isTold(part: string): Promise<void>
}

/** Its folder has to be one that the agent may send from. */
export const WALK_FILE = 'walk.txt'
/** A folder of its workspace that is a skill, and its SKILL.md; another one for each walk. */
export function walkSkill(name: string): { readonly folder: string; readonly text: string } {
  const folder = `walk-${name}`
  return { folder, text: `---\nname: ${folder}\ndescription: How to walk\n---\nOn foot.\n` }
}
/** Another agent, on the demo provider, that may be asked. */
export const WALK_HELPER = 'helper'

/** What one walk installs is there for the other one already: each has another version. */
const smallPackage = ({ name }: Walk) => (name === 'telegram' ? 'left-pad@1.2.0' : 'left-pad@1.3.0')

const id = (tool: string) => (walk: Walk) => ({ id: Number(walk.told(tool, /"id": ?(\d+)/)) })

/**
 * Each tool of ours, in an order in which they build on each other: with no model in memory, and by a real runtime for
 * people on each channel. A new tool is a line here.
 */
export const TOOL_WALK: readonly ToolUse[] = [
  { tool: 'get_status', shows: 'names the conversation', args: {}, told: /session\W+chat:\d+/ },
  {
    ...{ tool: 'send_message', shows: 'says a word before the answer', told: /Queued: / },
    ...{ args: { text: 'a word on the way' }, seen: () => 'a word on the way' },
  },
  {
    ...{ tool: 'edit_message', shows: 'changes what was sent', told: /Changed/, seen: () => 'word for word' },
    args: (walk) => ({
      message: walk.told('send_message', /for edit_message is (\S+)\.\s/),
      text: 'word for word',
    }),
  },
  {
    ...{ tool: 'send_file', shows: 'sends a file with a line', told: /Copied/, seen: () => WALK_FILE },
    args: { path: WALK_FILE, caption: 'as a file' },
  },
  {
    ...{ tool: 'send_card', shows: 'sends a card', told: /Queued: the card/, seen: () => 'A card to keep' },
    args: { title: 'A card to keep', links: [{ label: 'Map', url: 'https://example.org/' }] },
  },
  {
    ...{ tool: 'add_reaction', shows: 'answers with an emoji', told: /Reacted with/, seen: () => '👍' },
    args: { emoji: '👍' },
  },
  { tool: 'read_history', shows: 'finds what was said', args: { limit: 30 }, told: /word for word/ },
  { tool: 'list_destinations', shows: 'names the other chats', args: {}, told: /"name": ?"/ },
  {
    ...{ tool: 'remember', shows: 'notes what was told', told: /Noted as/ },
    args: ({ name }) => ({ text: `Whoever walks by ${name} likes tea.` }),
  },
  {
    ...{ tool: 'search_conversations', shows: 'finds what was noted', told: /likes tea/ },
    args: ({ name }) => ({ query: `walks ${name}` }),
  },
  {
    ...{ tool: 'forget', shows: 'takes it out again', told: /Forgotten/ },
    args: (walk) => ({ id: walk.told('remember', /\[([0-9a-f]{8})\]/) }),
  },
  {
    ...{ tool: 'schedule_task', shows: 'makes a task', told: /09:00 \(Europe\/Berlin\)/ },
    args: { name: 'Walk', prompt: 'look', cron: '0 9 * * 1-5', timezone: 'Europe/Berlin' },
  },
  { tool: 'list_tasks', shows: 'lists it', args: id('schedule_task'), told: /"name": ?"Walk"/ },
  {
    ...{ tool: 'update_task', shows: 'changes it', told: /08:30/ },
    args: (walk) => ({ ...id('schedule_task')(walk), cron: '30 8 * * *' }),
  },
  { tool: 'pause_task', shows: 'pauses it', args: id('schedule_task'), told: /"state": ?"paused"/ },
  { tool: 'resume_task', shows: 'lets it go on', args: id('schedule_task'), told: /"state": ?"active"/ },
  { tool: 'cancel_task', shows: 'ends it', args: id('schedule_task'), told: /"state": ?"cancelled"/ },
  { tool: 'list_agents', shows: 'names whom it may ask', args: {}, told: /"name": ?"helper"/ },
  {
    ...{ tool: 'send_to_agent', shows: 'asks another agent, whose answer comes', told: /as request \d+/ },
    ...{ later: ({ name }) => `demo: look at ${name}` },
    args: ({ name }) => ({ to: WALK_HELPER, message: `look at ${name}` }),
  },
  {
    ...{ tool: 'send_to_agent', shows: 'begins what takes long', told: /as request \d+/ },
    args: { to: WALK_HELPER, message: '/demo hang', new_conversation: true },
  },
  {
    ...{ tool: 'cancel_agent_request', shows: 'stops it', told: /is stopped/ },
    args: (walk) => ({ request: Number(walk.told('send_to_agent', /as request (\d+)/)) }),
  },
  {
    ...{ tool: 'ask_user', shows: 'is answered by a button', told: /The question is put into the chat/ },
    ...{ press: 'Blue', later: () => 'The answer: "Blue"' },
    args: ({ name }) => ({ question: `Which colour for ${name}?`, options: ['Red', 'Blue'] }),
  },
  {
    ...{ tool: 'request_egress', shows: 'is allowed by a button', told: /The owner is asked/ },
    ...{ press: 'Always', later: ({ name }) => `${name}.example.com:443 can be reached from now on` },
    args: ({ name }) => ({ host: `${name}.example.com`, reason: 'to see it' }),
  },
  {
    ...{ tool: 'create_agent', shows: 'makes the agent that was allowed', told: /The owner is asked/ },
    ...{ press: 'Make it', later: ({ name }) => `The agent new-${name} is there` },
    args: ({ name }) => ({ name: `new-${name}`, about: 'walks', instructions: 'You walk.' }),
  },
  {
    ...{ tool: 'add_mcp_server', shows: 'has the server that was allowed', told: /The owner is asked/ },
    ...{ press: 'Add it', later: ({ name }) => `The tool server ${name} is yours` },
    args: ({ name }) => ({ name, command: 'false', reason: 'to see it' }),
  },
  {
    ...{ tool: 'remove_mcp_server', shows: 'has it taken away', told: /The owner is asked/ },
    ...{ press: 'Remove it', later: ({ name }) => `The tool server ${name} is gone` },
    args: ({ name }) => ({ name, reason: 'it is seen' }),
  },
  {
    ...{ tool: 'propose_skill', shows: 'has the skill that was let in', told: /The owner is asked/ },
    ...{ press: 'Let it in', later: ({ name }) => `The skill ${walkSkill(name).folder} is yours` },
    args: ({ name }) => ({ path: walkSkill(name).folder, reason: 'to see it' }),
  },
  {
    ...{
      tool: 'install_packages',
      shows: 'installs what was allowed',
      told: /The owner is asked to install/,
    },
    ...{ press: 'Install', later: (walk) => `They are installed: \`npm:${smallPackage(walk)}\`` },
    args: (walk) => ({ npm: [smallPackage(walk)], reason: 'to walk' }),
  },
]

/** Runs the walk; each call is a test, named by its tool, that needs those before it. */
export function testToolWalk(walker: () => ToolWalker): void {
  const said = new Map<string, string>()
  const walk = (): Walk => ({
    name: walker().name,
    told: (tool, part) => part.exec(said.get(tool) ?? '')?.[1] ?? `nothing of ${tool}`,
  })
  it.each(TOOL_WALK.map((use) => [titleOf(use), use] as const))('%s', async (_, use) => {
    const { tool, args, told, seen, press, later } = use
    const answer = await walker().call(tool, typeof args === 'function' ? args(walk()) : args)
    said.set(tool, answer)
    expect(answer).toMatch(told)
    if (seen) await walker().sees(seen(walk()))
    if (press !== undefined) await walker().press(press)
    if (later) await walker().isTold(later(walk()))
  })
}

/** As in README's table of tools. */
export function titleOf({ tool, shows }: ToolUse): string {
  return `${tool} ${shows}`
}
