import type { Api } from 'grammy'
import { apiFailure, failureText } from './api-failure.ts'
import type { TelegramLog } from './telegram-log.ts'

export interface MenuCommand {
  readonly command: string
  readonly description: string
}

/**
 * Puts the commands into Telegram's own menu. A menu that somebody made with @BotFather stays. A convenience: without
 * it the commands work all the same, so it never throws.
 */
export async function offerCommands(
  api: Api,
  commands: readonly MenuCommand[],
  log: TelegramLog,
  signal: AbortSignal,
): Promise<void> {
  if (commands.length === 0) return
  const limit = signal as Parameters<Api['getMe']>[0]
  try {
    const there = await api.getMyCommands({}, limit)
    const own = there.every(({ command }) => commands.some((known) => known.command === command))
    if (own && !isSame(there, commands)) await api.setMyCommands([...commands], {}, limit)
  } catch (error) {
    log.debug({ reason: failureText(apiFailure(error)) }, 'menu of commands not set')
  }
}

function isSame(there: readonly MenuCommand[], commands: readonly MenuCommand[]): boolean {
  const text = (list: readonly MenuCommand[]) =>
    JSON.stringify(list.map(({ command, description }) => [command, description]))
  return text(there) === text(commands)
}
