/** One of README's tables. */
export interface FeatureTable {
  readonly head: string
  readonly columns: readonly FeatureColumn[]
  /** `as run`: each test of its first column is a row, named by the first word of its title. */
  readonly rows: readonly FeatureRow[] | 'as run'
}

export interface FeatureColumn {
  readonly name: string
  /** The outermost `describe` that its tests are in. */
  readonly suite: string
  /** Of vitest.config.ts, where that suite runs. */
  readonly project: string
}

/** One feature of README's tables, and the test that shows it: its title is the same in every column. */
export interface FeatureRow {
  readonly feature: string
  /** As in test/contract. */
  readonly test: string
  /** Where its test holds something else, in words: what there is instead. */
  readonly instead?: Readonly<Record<string, string>>
}

const NO_MODEL = { demo: 'no model' }

const CHANNEL_ROWS: readonly FeatureRow[] = [
  {
    feature: 'A message is acknowledged when it is on disk',
    test: 'acknowledges a message only after accept has returned',
  },
  {
    feature: 'One chat is first in, first out',
    test: 'keeps the order of one chat and gives each message its own id',
  },
  {
    feature: 'Long answers are split, no word is lost',
    test: 'takes every part that it rendered, and loses no word of a long text',
  },
  {
    feature: 'An answer that would flood the chat is its beginning and a file',
    test: 'begins a text that is too long for it, and takes others whole',
    instead: { web: 'of any length', terminal: 'of any length' },
  },
  {
    feature: 'Hostile text is shown as text',
    test: 'renders and sends hostile text without failing, and never sends nothing',
  },
  {
    feature: 'Sending again shows one message',
    test: 'keeps its word about sending one key twice',
    instead: { telegram: 'marked as possibly twice' },
  },
  {
    feature: 'Answers to choose from, as buttons',
    test: 'offers choices, and hands over what a button says as a message of whoever pressed it',
    instead: { terminal: 'in words' },
  },
  {
    feature: 'A decided card shows what came of it',
    test: 'changes a message with choices to what came of it, twice if need be, without the choices',
    instead: { terminal: 'no' },
  },
  { feature: 'Files to people, with a caption', test: 'shows a file with its name and caption' },
  {
    feature: 'A file that cannot be had is told of',
    test: 'says that a file that it does not know cannot be had',
  },
  {
    feature: '"Working …" while a turn runs, as a message',
    test: 'shows a note, changes it and takes it away, twice if need be',
    instead: { web: 'a clock', terminal: 'a clock' },
  },
  {
    feature: 'Reactions of an agent',
    test: 'answers a message with one emoji, twice if need be, and takes nothing else for one',
  },
]

const PROVIDER_ROWS: readonly FeatureRow[] = [
  { feature: 'Conversations that go on', test: 'answers, and answers again' },
  {
    feature: '`/new`',
    test: 'begins a new conversation at /new: the next request holds nothing of before, the one after it does',
    instead: NO_MODEL,
  },
  {
    feature: '`/model`',
    test: 'asks the model that was chosen with /model, and its own again after default',
    instead: NO_MODEL,
  },
  { feature: '`/stop`', test: 'ends a turn at /stop within a moment, and answers the next' },
  {
    feature: '`/compact`',
    test: 'of /compact shortens the conversation and says so; the next message is answered',
    instead: NO_MODEL,
  },
  { feature: 'Pictures and files in', test: 'is given the images and files of a message' },
  {
    feature: 'Files out',
    test: 'brings a file that it made into the chat, byte for byte',
    instead: { claude: 'by `send_file`', codex: 'by `send_file`', opencode: 'by `send_file`' },
  },
  {
    feature: 'Goes on after the host was killed',
    test: 'answers through a host that was killed and started again, in the same sandbox',
  },
  {
    feature: 'Tokens used, those of caches apart',
    test: 'counts fresh tokens apart from those of the cache, the same for every provider',
    instead: NO_MODEL,
  },
  { feature: 'A fresh sandbox remembers', test: 'remembers in a new sandbox', instead: NO_MODEL },
  { feature: 'Search in conversations', test: 'can look up what was said', instead: NO_MODEL },
  {
    feature: '`search_conversations`',
    test: 'find what was noted and said by parts of its words, without their accents',
  },
  {
    feature: 'Skills',
    test: 'tells the model where it is and who, and which skills it has by name and description alone',
    instead: NO_MODEL,
  },
  {
    feature: '`send_message`',
    test: 'send a message into the chat before the answer, and tell the model so',
  },
  { feature: '`send_file`', test: 'send a file of the workspace with the answer' },
  { feature: '`get_status`', test: 'know the session that calls them' },
  {
    feature: '`remember`, `/memory`',
    test: 'remember what was told, with who told it; a person sees it and has it forgotten',
  },
  {
    feature: '`read_history`, `send_card`, `add_reaction`',
    test: 'look back at the chat, send a card, react, and are told what the chat cannot do',
  },
  {
    feature: '`request_egress`, approvals',
    test: 'ask the owner, whose word begins a turn of the same conversation',
  },
  { feature: '`schedule_task` and its kin', test: 'have the host make, show and end a task within the turn' },
  {
    feature: 'A task wakes its agent',
    test: 'have a task wake the agent when it is due, and not when its script says so',
  },
  {
    feature: '`send_to_agent`',
    test: 'ask another agent, whose answer begins a turn of the same conversation',
  },
  {
    feature: 'Nothing twice after a kill',
    test: 'do nothing twice when the sandbox is killed in the middle of their turn',
  },
  {
    feature: 'Tool servers of its own',
    test: 'of a server of container.json are called as well, beside ours',
    instead: NO_MODEL,
  },
  {
    feature: '`add_mcp_server`: used in the turn that tells of the yes',
    test: 'is a tool server: its tool answers in the turn that tells of the yes, and is gone when it is taken away',
  },
  { feature: 'Nothing but the gateway is reached', test: 'tries to reach nothing but the gateway' },
  {
    feature: 'The key is never in the sandbox',
    test: 'calls its model with the real key, which is nowhere in the sandbox and in no log',
    instead: NO_MODEL,
  },
]

const BUTTON_ROWS: readonly FeatureRow[] = [
  { feature: 'Pressed by somebody who may not', test: 'counts only for those who may decide' },
  {
    feature: 'Pressed after the host was killed',
    test: 'counts after the host was killed and started again, once',
  },
  { feature: 'Pressed again', test: 'does nothing when it is pressed again' },
  { feature: 'Pressed too late', test: 'does nothing when it comes too late' },
  {
    feature: 'What it is about was changed',
    test: 'carries out nothing that was changed since it was shown',
  },
]

export const FEATURE_TABLES: readonly FeatureTable[] = [
  {
    head: 'Channel',
    columns: [
      { name: 'telegram', suite: 'channel contract: telegram', project: 'telegram' },
      { name: 'web', suite: 'channel contract: web', project: 'web' },
      { name: 'terminal', suite: 'channel contract: terminal', project: 'unit' },
    ],
    rows: CHANNEL_ROWS,
  },
  {
    head: 'Provider',
    columns: ['demo', 'claude', 'codex', 'opencode'].map((name) => ({
      ...{ name, suite: `provider ${name}`, project: 'providers' },
    })),
    rows: PROVIDER_ROWS,
  },
  {
    head: 'A button below an ask or a question',
    columns: [
      { name: 'telegram', suite: 'buttons: telegram', project: 'web' },
      { name: 'web', suite: 'buttons: web', project: 'web' },
    ],
    rows: BUTTON_ROWS,
  },
  {
    head: 'Tool',
    columns: [
      { name: 'contract on demo', suite: 'tools: demo', project: 'unit' },
      { name: 'claude, for Telegram', suite: 'tools: telegram', project: 'web' },
      { name: 'claude, for the page', suite: 'tools: web', project: 'web' },
    ],
    rows: 'as run',
  },
]
