/** What this channel tells the operator; pino's Logger fits. Fields never hold the token or a message's text. */
export interface TelegramLog {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
