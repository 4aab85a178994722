import type { Logger } from 'pino'

/** The logger handed to everything that logs: pino, with bound fields. Messages are short lowercase phrases. */
export type Log = Logger
