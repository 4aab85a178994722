import { z } from 'zod'
import { SANDBOX_USER } from '../sandbox-user.ts'
import { judgeMounts } from './mount-rules.ts'
import { DeniedError, INSTALL_LABEL, type Policy } from './policy.ts'

/** What clients send for "not set". Such keys are dropped: the engine's default applies. */
const Unset = z
  .union([
    z.null(),
    z.literal(''),
    z.literal(0),
    z.literal(false),
    z.tuple([]),
    z.strictObject({}),
    z.strictObject({ EndpointsConfig: z.strictObject({}) }),
  ])
  .optional()

const HOST_KEYS_UNSET =
  'Binds VolumesFrom VolumeDriver CapAdd Devices DeviceRequests DeviceCgroupRules PidMode UTSMode UsernsMode CgroupParent Cgroup CgroupnsMode Links PortBindings PublishAllPorts Privileged Dns DnsOptions DnsSearch ExtraHosts GroupAdd Sysctls StorageOpt ContainerIDFile Isolation OomKillDisable CpuShares CpuPeriod CpuQuota CpusetCpus CpusetMems BlkioWeight MemoryReservation'.split(
    ' ',
  )
const TOP_KEYS_UNSET =
  'Volumes ExposedPorts NetworkingConfig NetworkDisabled Domainname MacAddress OnBuild Shell ArgsEscaped OpenStdin StdinOnce AttachStdin Tty Healthcheck abortSignal'.split(
    ' ',
  )

const unset = (keys: readonly string[]) => Object.fromEntries(keys.map((key) => [key, Unset]))
/** No NUL, bounded; the text itself is only seen inside the sandbox. */
const Text = z
  .string()
  .max(32_768)
  .regex(/^[^\0]*$/)
const Words = z.array(Text).max(200)
const Name = z.string().regex(/^creel-[a-z0-9][a-z0-9-]{0,120}$/)
const TMPFS =
  /^(?:(?:rw|noexec|exec|nosuid|nodev|size=\d{1,14}[kmg]?|mode=[0-7]{3,4}|uid=\d{1,6}|gid=\d{1,6})(?:,|$))+$/
const Tmpfs = z
  .string()
  .max(200)
  .regex(TMPFS)
  .refine((text) => ['nosuid', 'nodev'].every((word) => text.split(',').includes(word)))
  .refine((text) => text.includes('size='))
const Mount = z.strictObject({
  Type: z.literal('bind'),
  Source: z.string().max(1024),
  Target: z.string().max(256),
  ReadOnly: z.boolean().default(false),
  Consistency: Unset,
  /** Private: neither side's later mounts appear on the other. */
  BindOptions: z.strictObject({ Propagation: z.enum(['private', 'rprivate']) }).optional(),
})
const Ulimit = z.strictObject({
  Name: z.enum(['nofile', 'nproc', 'core', 'fsize']),
  Soft: z.number().int().min(0).max(1_048_576),
  Hard: z.number().int().min(0).max(1_048_576),
})
const LogConfig = z.strictObject({
  Type: z.enum(['json-file', 'local', 'none']),
  Config: z
    .strictObject({
      'max-size': z
        .string()
        .regex(/^\d{1,6}[kmg]?$/)
        .optional(),
      'max-file': z
        .string()
        .regex(/^\d{1,2}$/)
        .optional(),
    })
    .optional(),
})

function hostConfig(policy: Policy) {
  return z
    .strictObject({
      ...unset(HOST_KEYS_UNSET),
      CapDrop: z.tuple([z.literal('ALL')]),
      SecurityOpt: z.tuple([z.enum(['no-new-privileges', 'no-new-privileges:true'])]),
      ReadonlyRootfs: z.literal(true),
      NetworkMode: z.literal('none'),
      IpcMode: z.enum(['none', 'private']),
      Init: z.literal(true),
      AutoRemove: z.boolean().optional(),
      Memory: z.number().int().min(6_291_456).max(policy.limits.memoryBytes),
      MemorySwap: z.number().int().optional(),
      MemorySwappiness: z.number().int().min(0).max(100).nullish(),
      NanoCpus: z.number().int().min(10_000_000).max(policy.limits.nanoCpus),
      PidsLimit: z.number().int().min(1).max(policy.limits.pids),
      OomScoreAdj: z.number().int().min(0).max(1000).optional(),
      ShmSize: z.number().int().min(0).max(policy.limits.memoryBytes).optional(),
      RestartPolicy: z
        .strictObject({ Name: z.enum(['no', '']), MaximumRetryCount: z.literal(0).optional() })
        .optional(),
      Runtime: z
        .string()
        .refine((name) => name === '' || policy.runtimes.includes(name))
        .optional(),
      Tmpfs: z.strictObject({ '/tmp': Tmpfs.optional() }).optional(),
      Ulimits: z.array(Ulimit).max(8).optional(),
      LogConfig: LogConfig.optional(),
      Mounts: z.array(Mount).max(16),
    })
    .refine((host) => host.MemorySwap === undefined || host.MemorySwap === host.Memory, {
      path: ['MemorySwap'],
      message: 'must equal Memory',
    })
}

function createBody(policy: Policy) {
  return z.strictObject({
    ...unset(TOP_KEYS_UNSET),
    name: Name.optional(),
    Image: z.string().regex(/^creel-(?:agent|packages):[0-9a-f]{8,64}$/),
    User: z.literal(`${SANDBOX_USER.uid}:${SANDBOX_USER.gid}`),
    Labels: z
      .record(z.string().regex(/^creel\.[a-z][a-z.-]{0,60}$/), Text)
      .refine(
        (labels) => labels[INSTALL_LABEL] === policy.installId,
        `needs ${INSTALL_LABEL} of this install`,
      ),
    Env: Words.optional(),
    Cmd: Words.nullish(),
    Entrypoint: Words.nullish(),
    WorkingDir: z
      .string()
      .regex(/^(?:\/[A-Za-z0-9._/-]{0,200})?$/)
      .optional(),
    Hostname: z
      .string()
      .regex(/^[a-z0-9-]{0,63}$/)
      .optional(),
    StopSignal: z.enum(['SIGTERM', 'SIGINT', 'SIGKILL']).optional(),
    StopTimeout: z.number().int().min(0).max(3600).optional(),
    AttachStdout: z.boolean().optional(),
    AttachStderr: z.boolean().optional(),
    HostConfig: hostConfig(policy),
  })
}

export interface JudgedCreate {
  readonly name: string
  /** Written anew from what was judged: no second reading of the client's text by another parser. */
  readonly body: string
  /** Engine-side folders; the caller makes sure that none of them leads elsewhere through a link. */
  readonly sources: readonly string[]
}

/**
 * Judges the body of `POST /containers/create`. Throws DeniedError with the first key that is unknown, wrong or
 * missing. Go reads JSON keys in any case, so a key is either in its exact spelling or refused.
 */
export function judgeCreate(text: string, queryName: string | undefined, policy: Policy): JudgedCreate {
  const parsed = createBody(policy).safeParse(parseJson(text))
  if (!parsed.success) throw new DeniedError(describe(parsed.error))
  const name = Name.safeParse(queryName)
  if (!name.success) throw new DeniedError('the container needs a name that begins with creel-')
  if (parsed.data.name !== undefined && parsed.data.name !== name.data)
    throw new DeniedError('the name in the body is not the name in the query')
  const mounts = parsed.data.HostConfig.Mounts
  judgeMounts(
    mounts.map((mount) => ({ source: mount.Source, target: mount.Target, readOnly: mount.ReadOnly })),
    policy.roots,
  )
  const { name: _name, ...body } = without(parsed.data, TOP_KEYS_UNSET)
  const host = without(parsed.data.HostConfig, HOST_KEYS_UNSET)
  return {
    name: name.data,
    body: JSON.stringify({ ...body, HostConfig: { ...host, Privileged: false } }),
    sources: mounts.map((mount) => mount.Source),
  }
}

function without(value: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, (key, value) => {
      if (key === '__proto__') throw new DeniedError('the body has a __proto__ key')
      return value
    })
  } catch (error) {
    if (error instanceof DeniedError) throw error
    throw new DeniedError('the body is not JSON')
  }
}

/** Keys only: a value may be a secret in an environment variable. */
function describe(error: z.ZodError): string {
  const issue = error.issues[0]
  const at = issue?.path.join('.') ?? ''
  const keys = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 3).join(', ').slice(0, 100) : ''
  return keys === ''
    ? `create: ${at === '' ? 'body' : at} is not allowed as it is`
    : `create: unknown key ${at} ${keys}`
}
