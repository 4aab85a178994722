/** What this filter lets through, fixed when it starts. Plain data: the judge is a pure function of it. */
export interface Policy {
  /** Only containers that carry this id in their install label exist for the client. */
  readonly installId: string
  /** The data and groups folders as the ENGINE sees them: the only places a mount may come from. */
  readonly roots: { readonly data: string; readonly groups: string }
  readonly limits: { readonly memoryBytes: number; readonly nanoCpus: number; readonly pids: number }
  /** Engine runtimes that may be asked for, beside the engine's default. */
  readonly runtimes: readonly string[]
  /** A build runs as root inside the engine's build sandbox, with network; an install may forbid it. */
  readonly allowBuild: boolean
}

export const INSTALL_LABEL = 'creel.install'

/** Thrown while a request is judged; the text is for the log and for the client, and holds no request body. */
export class DeniedError extends Error {
  override name = 'DeniedError'
}
