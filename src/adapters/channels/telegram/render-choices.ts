import type { InlineKeyboardButton } from 'grammy/types'
import type { Choice, DeliveryPart } from '../../../domain/ports/channel.ts'
import { readPart, renderParts, type TelegramPart } from './render-parts.ts'

/** Labels that stand beside each other on a phone. */
const SHORT_LABEL = 14
const IN_A_ROW = 3

/** A text as parts, the last one with a button for each choice. Pure; never throws. */
export function renderChoices(markdown: string, choices: readonly Choice[]): readonly DeliveryPart[] {
  const parts = renderParts(markdown)
  const last = parts.at(-1)
  if (last === undefined) return parts
  const buttons = choices.map(({ label, say }) => ({ label, say }))
  return [...parts.slice(0, -1), JSON.stringify({ ...readPart(last), buttons } satisfies TelegramPart)]
}

/** The buttons as Telegram wants them: in one row where they fit. */
export function keyboardOf({ buttons = [] }: TelegramPart): InlineKeyboardButton[][] {
  const keys = buttons.map(({ label, say }) => ({ text: label, callback_data: say }))
  const fit = keys.length <= IN_A_ROW && keys.every(({ text }) => text.length <= SHORT_LABEL)
  return fit ? [keys] : keys.map((key) => [key])
}
