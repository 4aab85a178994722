import { McpCommand } from '@creel/protocol'
import { z } from 'zod'
import { BaseUrl } from '../domain/base-url.ts'
import { EgressRuleSetting } from '../domain/egress-rules.ts'
import { isGroupName } from '../domain/ids.ts'
import { CHATGPT } from '../domain/login-services.ts'
import { PackageSettings } from '../domain/package-settings.ts'
import { SecretName } from '../domain/secret.ts'
import { isSkillName } from '../domain/skill.ts'
import { TranscriptionSettings } from '../domain/transcription.ts'

const TimeZone = z.string().refine(isZone, 'expected an IANA name such as Europe/Berlin')

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

/** Where the gateway sends requests for a model, and with which key. */
function modelService(address: string) {
  return {
    /** Address without the version path; a proxy or a local model in place of the service's own. */
    base_url: BaseUrl.default(address),
    /** File with the key, mode 0600; relative to the project. A key in the vault comes before it. Empty = none. */
    key_file: z.string().default(''),
  }
}

/** `creel.toml`: the whole install. Every key has a default; an unknown key is an error, not a shrug. */
export const InstallConfig = z.strictObject({
  /** Folder of everything Creel writes; relative to the project. */
  data_dir: z.string().min(1).default('data'),
  groups_dir: z.string().min(1).default('groups'),
  /** Folder of the skills that every agent can have; relative to the project. */
  skills_dir: z.string().min(1).default('skills'),
  log_level: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
  engine: z
    .strictObject({
      /** Unix socket of a Docker-compatible engine; empty = DOCKER_HOST, else /var/run/docker.sock. */
      socket: z.string().default(''),
      /** Stronger runtime such as `runsc`; empty = the engine's default. */
      runtime: z.string().default(''),
      /** Base image to build agents on; empty = made from Debian packages and npm. */
      base_image: z.string().default(''),
      /** `full` = one image with every runtime; `slim` = an image for each provider that is used. */
      images: z.enum(['full', 'slim']).default('full'),
    })
    .prefault({}),
  models: z
    .strictObject({
      anthropic: z.strictObject(modelService('https://api.anthropic.com')).prefault({}),
      openai: z
        .strictObject({
          ...modelService('https://api.openai.com'),
          /** Where they go when the vault has a ChatGPT login for them in place of a key. */
          chatgpt_base_url: BaseUrl.default(CHATGPT.baseUrl),
        })
        .prefault({}),
    })
    .prefault({}),
  vault: z
    .strictObject({
      /** File with the master key, mode 0600; relative to the project. Empty = in the account's own settings folder. */
      key_file: z.string().default(''),
      /** Command that prints the master key (a keyring, a password manager), in place of a file. */
      key_command: z.array(z.string().min(1)).max(20).default([]),
    })
    .prefault({}),
  limits: z
    .strictObject({
      /** Sandboxes that may run at once; paused ones do not count. */
      max_running: z.number().int().min(1).max(1000).default(20),
      /** A sandbox with nothing to do is paused after this long, … */
      pause_after_s: z.number().int().min(1).default(60),
      /** … and stopped after this long. */
      stop_after_s: z.number().int().min(1).default(1800),
      /** A busy sandbox without a heartbeat for this long is killed and its turn begun again. */
      heartbeat_timeout_s: z.number().int().min(5).default(60),
      /** Deaths of a turn before its message is given up, with a reason. */
      max_attempts: z.number().int().min(1).max(20).default(3),
      /** A message that could not be sent for so long is given up, and its agent and the owner are told. */
      give_up_sending_after_h: z.number().positive().max(720).default(24),
      /** Messages to agents that one person may send in a minute; owners are not bound. 0 = no bound. */
      sender_per_minute: z.number().int().min(0).max(100_000).default(120),
      /** The same for all people of a chat together. */
      chat_per_minute: z.number().int().min(0).max(100_000).default(400),
      /** Messages of one conversation that may wait for their agent at all; 0 = no bound. */
      max_waiting: z.number().int().min(0).max(100_000).default(1_000),
      /** What agents may ask of each other because of one message of a person; 0 = nothing. */
      agent_requests: z.number().int().min(0).max(1_000).default(20),
      /** How often such a request may be passed on from agent to agent. */
      agent_hops: z.number().int().min(1).max(20).default(4),
      /** What one agent may ask of another within an hour, whoever it works for. */
      agent_requests_per_hour: z.number().int().min(0).max(100_000).default(120),
      /** Overheard messages given along with the next engaged one. */
      context_messages: z.number().int().min(0).max(500).default(50),
    })
    .prefault({}),
  files: z
    .strictObject({
      /** Largest file that is taken from a chat; a platform's own limit may be lower. */
      max_mb: z.number().int().min(1).max(50).default(50),
      /** What one agent has at hand of the files that people sent it; the oldest go first. */
      group_mb: z.number().int().min(1).default(500),
      /** All files together, in and out. */
      total_mb: z.number().int().min(1).default(2_000),
      /** Files go so many days after they were last used. */
      keep_days: z.number().int().min(1).default(30),
    })
    .prefault({}),
  /** What is said in voice messages is written down by a program or a service of the owner's choice; off by default. */
  transcription: TranscriptionSettings.prefault({}),
  /** What is settled is forgotten after so many days; 0 keeps it for ever. */
  retention: z
    .strictObject({
      /** Messages of people, with what was noted about them: attempts, outcome, usage. */
      messages_days: z.number().int().min(0).default(365),
      /** Messages sent to chats, or given up. */
      deliveries_days: z.number().int().min(0).default(90),
      /** What the web and terminal chats show. */
      own_chat_days: z.number().int().min(0).default(0),
      /** What left the sandboxes, and what was turned away. */
      egress_days: z.number().int().min(0).default(30),
    })
    .prefault({}),
  chats: z
    .strictObject({
      /** A chat that no agent answers: `strict` = ignored, `ask` = the owner is asked, `open` = let in. */
      unknown: z.enum(['strict', 'ask', 'open']).default('ask'),
      /** The agent that a newly let in chat gets; empty = the first one by name. */
      default_group: z.string().default(''),
      /** A turn that takes longer shows one message that says so, where a channel has nothing better; 0 = never. */
      progress_after_s: z.number().int().min(0).max(3600).default(10),
      /** With so many messages of a conversation waiting, its chat is told and `bind --when-full` counts; 0 = never. */
      queue_bound: z.number().int().min(0).max(100_000).default(50),
      /** Messages that Creel could not be given for longer are background and not answered; 0 = all are answered. */
      catch_up_max_age_h: z.number().min(0).max(8_760).default(24),
      /** More than so many such messages of one conversation share one answer; 0 = each has its own. */
      catch_up_collect: z.number().int().min(0).max(1_000).default(5),
    })
    .prefault({}),
  web: z
    .strictObject({
      enabled: z.boolean().default(true),
      host: z.string().default('127.0.0.1'),
      port: z.number().int().min(0).max(65535).default(4280),
      /** Address that people use when it differs (reverse proxy); also the allowed Origin and Host. */
      public_url: z.string().default(''),
    })
    .prefault({}),
  telegram: z
    .array(
      z
        .strictObject({
          /** Short name of this bot inside Creel. */
          account: z
            .string()
            .regex(/^[a-z0-9-]{1,30}$/)
            .default('main'),
          /** Name of the bot's token in the vault. */
          token_secret: z.union([z.literal(''), SecretName]).default(''),
          /** Or the file with it, mode 0600; relative to the project. The token itself never stands here. */
          token_file: z.string().default(''),
          /** A self-hosted Bot API server. */
          api_root: z.string().default(''),
        })
        .refine(
          ({ token_secret, token_file }) => (token_secret === '') !== (token_file === ''),
          'token_secret or token_file, one of the two',
        ),
    )
    .default([]),
})

const ToolServers = z
  .record(z.string().regex(/^[A-Za-z0-9_-]{1,50}$/), McpCommand)
  .superRefine((servers, context) => {
    const message = 'a tool server with another name ("creel" is the one with our own tools)'
    for (const name of Object.keys(servers))
      if (/^creel(?:_|$)/i.test(name)) context.addIssue({ code: 'custom', path: [name], message })
  })

/** `groups/<name>/container.json`: one agent. */
const PhaseSeconds = z.number().int().min(1).max(86_400)

export const GroupConfig = z.strictObject({
  provider: z.string().min(1).default('demo'),
  model: z.string().min(1).optional(),
  effort: z.string().min(1).optional(),
  /** What its image holds beside its provider's runtime. */
  image: z
    .strictObject({
      /** Chromium, and what the skill `browser` drives it with. */
      browser: z.boolean().default(false),
    })
    .prefault({}),
  /** Where the agent lives, an IANA name: the clock of its sandbox, and of people who have chosen none. Left out = the host's. */
  timezone: TimeZone.optional(),
  /** Tool servers, started inside the sandbox: `{command, args, env}`. */
  mcpServers: ToolServers.default({}),
  /** Names of the skills the agent has; absent = all of `skills/` and of its own folder. */
  skills: z
    .array(z.string().refine(isSkillName, 'expected names of folders: a-z, 0-9 and single -'))
    .max(64)
    .optional(),
  /** Turns of different conversations that may run at once. */
  concurrency: z.number().int().min(1).max(64).default(4),
  limits: z
    .strictObject({
      memory_mb: z.number().int().min(128).max(1_048_576).default(2048),
      cpus: z.number().min(0.1).max(256).default(2),
      pids: z.number().int().min(32).max(32_768).default(512),
      tmp_mb: z.number().int().min(16).max(65_536).default(256),
      turn_timeout_s: z.number().int().min(1).max(86_400).default(1800),
      /** Messages that it begins to work on in any hour; more wait, and their chats are told. Absent = no bound. */
      turns_per_hour: z.number().int().min(1).max(100_000).optional(),
      /** US dollars a day, as its runtime reports them; at the bound messages wait for the next day. */
      usd_per_day: z.number().positive().max(1_000_000).optional(),
      /** Longest time without a sign of progress, by what a turn is doing. */
      phase_s: z
        .strictObject({
          starting: PhaseSeconds.default(120),
          resuming: PhaseSeconds.default(120),
          model: PhaseSeconds.default(300),
          tool: PhaseSeconds.default(1800),
          compacting: PhaseSeconds.default(600),
        })
        .prefault({}),
      /** Tries after the first when a turn fails for a reason that passes, and for how long after that. */
      retries: z.number().int().min(0).max(10).default(2),
      retry_for_s: z.number().int().min(1).max(3_600).default(60),
      /** What its tools may ask of the network; its model's calls do not count. */
      egress: z
        .strictObject({
          /** Connections at once. */
          connections: z.number().int().min(1).max(1_000).default(64),
          requests_per_minute: z.number().int().min(1).max(100_000).default(1_200),
          /** Bytes both ways together, … */
          mb_per_hour: z.number().int().min(1).max(1_000_000).default(5_000),
          mb_per_day: z.number().int().min(1).max(10_000_000).default(20_000),
          /** … and of one request or tunnel with its answer. */
          request_mb: z.number().int().min(1).max(1_000_000).default(2_500),
        })
        .prefault({}),
    })
    .prefault({}),
  /**
   * Names of the secrets that this group's requests may go with, and no others; a profile of its model's service is one
   * of them. Left out = the default profile of the service that its provider calls.
   */
  secrets: z.array(SecretName).max(50).optional(),
  /**
   * Hosts that its tools may reach: texts such as `example.com` or objects with `host`, `ports`, `methods`, `paths` and
   * `private`. Nothing else may leave the sandbox but its model's calls, and what its `secrets` are for.
   */
  egress: z.array(EgressRuleSetting).max(200).default([]),
  /**
   * Agents that it works with, by name. What it asks of one is only passed on when that one hears it, too; both files
   * are the owner's alone to write.
   */
  agents: z
    .record(
      z.string().refine((name): boolean => isGroupName(name), 'the name of an agent'),
      z.strictObject({
        /** May ask it. */
        send: z.boolean().default(true),
        /** May be asked by it: when it works for people with a role here, for anybody, or never. */
        hear: z.enum(['members', 'anyone', 'no']).default('members'),
        /** What it is good for, as this agent is told. */
        about: z.string().max(200).default(''),
      }),
    )
    .default({}),
  packages: PackageSettings.prefault({}),
  /** Overrides of the install's idle times. */
  idle: z
    .strictObject({
      pause_after_s: z.number().int().min(1).optional(),
      stop_after_s: z.number().int().min(1).optional(),
    })
    .prefault({}),
})

export type InstallConfig = z.infer<typeof InstallConfig>
export type GroupConfig = z.infer<typeof GroupConfig>

/** What of a container.json decides which image its sandbox runs on. */
export type WantedImage = Pick<GroupConfig, 'provider'> & Partial<Pick<GroupConfig, 'image'>>

/** Providers that this version can run. A new one: see CONTRIBUTING.md. */
export const PROVIDERS = ['demo', 'claude', 'codex', 'opencode'] as const

/** Agent runtimes that an image can hold; a provider of this name needs it. */
export const RUNTIMES = ['claude', 'codex', 'opencode'] as const

/** Model services that the groups of a provider may ask when their container.json has no `secrets`. */
export const PROVIDER_SERVICES: Readonly<Record<string, readonly ('anthropic' | 'openai')[]>> = {
  demo: [],
  claude: ['anthropic'],
  codex: ['openai'],
  opencode: ['anthropic', 'openai'],
}
