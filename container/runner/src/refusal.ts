/** `EX_CONFIG` of sysexits.h: starting again without changing something cannot help. */
export const EXIT_CONFIG = 78

/** The runner will not start: the settings or the mailbox are not what it can work with. Nothing was settled. */
export class RunnerRefusal extends Error {
  override name = 'RunnerRefusal'
  readonly exitCode = EXIT_CONFIG
}
