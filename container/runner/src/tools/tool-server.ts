import { createHmac, randomBytes } from 'node:crypto'
import { renameSync } from 'node:fs'
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { basename, dirname, join } from 'node:path'
import { SHELL_DOOR_FILE } from '@creel/protocol'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { ownFolder, writeAnew } from '../agent-files.ts'
import type { Clock } from '../clock.ts'
import { type EventLog, errorText } from '../log.ts'
import { MemoryFiles } from '../memory/memory-files.ts'
import { addReaction } from './add-reaction.ts'
import { AGENT_TOOLS } from './agents.ts'
import { askUser } from './ask-user.ts'
import { CallGate } from './call-gate.ts'
import { createAgent } from './create-agent.ts'
import { editMessage } from './edit-message.ts'
import { getStatus } from './get-status.ts'
import { installPackages } from './install-packages.ts'
import { listDestinations } from './list-destinations.ts'
import { SERVER_TOOLS } from './mcp-servers.ts'
import { proposeSkill } from './propose-skill.ts'
import { readHistory } from './read-history.ts'
import { forgetTool, remember } from './remember.ts'
import { requestEgress } from './request-egress.ts'
import { searchTool } from './search-tool.ts'
import { sendCard } from './send-card.ts'
import { sendFile } from './send-file.ts'
import { sendMessage } from './send-message.ts'
import { TASK_TOOLS } from './task-tools.ts'
import { type Tool, type ToolFolders, ToolRefusal } from './tool.ts'
import { OUR_SERVER, type ToolServer } from './tool-access.ts'
import type { OpenTurn, ToolDesk } from './tool-desk.ts'

const MAX_BODY_BYTES = 1_000_000
/** Far more than all runtimes of one sandbox keep open. */
const MAX_CONNECTIONS = 256
const SHARED_PATH = 'shared'
const SHELL_PATH = 'shell'

export interface ToolServerParts {
  readonly desk: ToolDesk
  readonly folders: ToolFolders
  readonly clock: Clock
  readonly log: EventLog
}

interface Answer {
  readonly content: { type: 'text'; text: string }[]
  readonly isError?: boolean
}

/**
 * Our tools as one MCP server (Streamable HTTP, without sessions of its own) for the whole sandbox, on a free port of
 * its loopback. The last part of a path tells whose call it is: it keeps the sessions of one agent apart from each
 * other, and grants nothing, for everything in the sandbox can reach it. Rejects when it cannot listen.
 */
export async function startToolServer(parts: ToolServerParts): Promise<ToolServer> {
  const door = new ToolDoor(parts)
  await door.listen()
  return door
}

class ToolDoor implements ToolServer {
  readonly gate: CallGate
  readonly #parts: ToolServerParts
  readonly #tools: ReadonlyMap<string, Tool>
  readonly #memory: MemoryFiles
  readonly #secret = randomBytes(32)
  readonly #http: HttpServer
  #url = ''

  constructor(parts: ToolServerParts) {
    this.#parts = parts
    this.gate = new CallGate(parts.clock)
    this.#memory = new MemoryFiles(parts.folders.memory, parts.log)
    const own = [sendMessage, listDestinations, sendFile, getStatus, askUser, requestEgress]
    const chat = [editMessage, addReaction, sendCard, readHistory]
    const tools = [
      ...own,
      ...chat,
      remember,
      forgetTool(parts.clock, parts.log),
      searchTool(parts.clock, parts.log),
      ...AGENT_TOOLS,
      createAgent,
      installPackages,
      ...TASK_TOOLS,
      ...SERVER_TOOLS,
      proposeSkill,
    ]
    this.#tools = new Map(tools.map((tool) => [tool.name, tool]))
    this.#http = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        parts.log('tool_request_failed', { error: errorText(error) })
        response.destroy()
      })
    })
    this.#http.maxConnections = MAX_CONNECTIONS
  }

  get shared(): ToolServer['shared'] {
    return { [OUR_SERVER]: { url: `${this.#url}${SHARED_PATH}-${this.#key('')}` } }
  }

  serversOf(session: string): ToolServer['shared'] {
    return { [OUR_SERVER]: { url: this.#url + this.#key(session) } }
  }

  serverDown(name: string, why: string): void {
    const { desk, log } = this.#parts
    if (desk.down.has(name)) return
    desk.down.set(name, why)
    log('tool_server_failed', { name, why: why.slice(0, 300) })
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#http.once('error', reject)
      this.#http.listen(0, '127.0.0.1', () => {
        this.#http.off('error', reject)
        // A connection that could not be accepted is its client's loss alone.
        this.#http.on('error', () => undefined)
        const address = this.#http.address()
        const port = typeof address === 'object' && address !== null ? address.port : 0
        this.#url = `http://127.0.0.1:${port}/`
        this.#leaveShellDoor()
        resolve()
      })
    })
  }

  /** For calls from a shell; without the file they find nobody, and all else goes on. */
  #leaveShellDoor(): void {
    const { folders, log } = this.#parts
    const url = `${this.#url}${SHELL_PATH}-${this.#key(SHELL_PATH)}/`
    try {
      const folder = ownFolder(folders.home, dirname(SHELL_DOOR_FILE))
      const file = join(folder, basename(SHELL_DOOR_FILE))
      writeAnew(`${file}.new`, JSON.stringify({ url }))
      renameSync(`${file}.new`, file)
    } catch (error) {
      log('shell_door_failed', { error: errorText(error) })
    }
  }

  async close(): Promise<void> {
    if (!this.#http.listening) return
    const closed = new Promise((resolve) => this.#http.close(resolve))
    this.#http.closeAllConnections()
    await closed
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refuse = (status: number) => response.writeHead(status, { connection: 'close' }).end()
    // A page in a browser of the agent is not the agent: it would have an origin, or another name for us.
    if (request.headers.origin !== undefined || `http://${request.headers.host}/` !== this.#url)
      return void refuse(403)
    // The stream of the server's own messages: we send none.
    if (request.method !== 'POST') return void response.writeHead(405, { allow: 'POST' }).end()
    const body = await bodyOf(request)
    if (body === undefined) return void refuse(413)
    const path = (request.url ?? '/').slice(1)
    const server = this.#server((tool) => this.#caller(path, tool))
    const transport = new WebStandardStreamableHTTPServerTransport({
      enableJsonResponse: true,
    })
    await server.connect(transport)
    try {
      const answer = await transport.handleRequest(webRequest(this.#url, request, body))
      response.writeHead(answer.status, Object.fromEntries(answer.headers))
      response.end(Buffer.from(await answer.arrayBuffer()))
    } finally {
      await server.close()
    }
  }

  #server(caller: (tool: string) => OpenTurn | string | undefined): Server {
    const server = new Server({ name: OUR_SERVER, version: '1' }, { capabilities: { tools: {} } })
    server.setRequestHandler(ListToolsRequestSchema, () => ({
      tools: [...this.#tools.values()].map(({ name, description, schema, readOnly }) => ({
        name,
        description,
        inputSchema: { ...schema, type: 'object' as const },
        annotations: { readOnlyHint: readOnly, destructiveHint: false, openWorldHint: false },
      })),
    }))
    server.setRequestHandler(CallToolRequestSchema, async ({ params }) => ({
      ...(await this.#call(params.name, params.arguments, caller(params.name))),
    }))
    return server
  }

  async #call(name: string, args: unknown, open: OpenTurn | string | undefined): Promise<Answer> {
    const { desk, folders, log } = this.#parts
    const tool = this.#tools.get(name)
    if (!tool) return failed(`There is no tool "${name}". There are: ${[...this.#tools.keys()].join(', ')}.`)
    if (typeof open === 'string') return failed(open)
    if (!open || open.over) return failed('No turn of this conversation is running; nothing was done.')
    try {
      const text = await tool.run(args, { open, desk, folders, memory: this.#memory })
      log('tool_called', { tool: name, seq: open.turn.seq })
      return { content: [{ type: 'text', text }] }
    } catch (error) {
      if (error instanceof ToolRefusal) return failed(error.message)
      log('tool_broken', { tool: name, seq: open.turn.seq, error: errorText(error) })
      return failed(
        `${name} failed inside Creel, which is not your fault; nothing more is known. Go on without it.`,
      )
    }
  }

  /** The turn that a call belongs to. */
  #caller(path: string, tool: string): OpenTurn | string | undefined {
    const { desk } = this.#parts
    const shell = `${SHELL_PATH}-${this.#key(SHELL_PATH)}/`
    if (path.startsWith(shell)) return fromShell(desk, sessionIn(path.slice(shell.length)))
    if (path.startsWith(`${SHARED_PATH}-`)) {
      const known = path.slice(SHARED_PATH.length + 1) === this.#key('')
      const session = known ? this.gate.claim(tool) : undefined
      return session === undefined ? undefined : desk.turnOf(session)
    }
    for (const session of desk.sessions()) if (path === this.#key(session)) return desk.turnOf(session)
    return undefined
  }

  #key(session: string): string {
    return createHmac('sha256', this.#secret).update(session).digest('hex').slice(0, 32)
  }
}

/** The turn that a shell's call is for; a text when that cannot be told. A process of the agent may name any of its own. */
function fromShell(desk: ToolDesk, session: string): OpenTurn | string | undefined {
  if (session !== '') return desk.turnOf(session)
  const open = [...desk.sessions()]
  const [only] = open
  if (open.length > 1)
    return `Several conversations are at work: say which with --session. There are: ${open.join(', ')}.`
  return only === undefined ? undefined : desk.turnOf(only)
}

/** As it stands in the address; one that cannot be read is no conversation. */
function sessionIn(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch (error) {
    if (error instanceof URIError) return part
    throw error
  }
}

function failed(text: string): Answer {
  return { content: [{ type: 'text', text }], isError: true }
}

/** Undefined when it is too large. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue
    size += chunk.length
    if (size > MAX_BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function webRequest(url: string, request: IncomingMessage, body: string): Request {
  const headers = new Headers()
  for (const [name, value] of Object.entries(request.headersDistinct))
    for (const one of value ?? []) headers.append(name, one)
  return new Request(url, { method: 'POST', headers, body })
}
