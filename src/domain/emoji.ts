/** Reactions that every channel of ours takes. */
export const SOME_EMOJI = ['👍', '👎', '❤', '😁', '🎉', '🙏', '👀', '🤔', '👌', '🔥'] as const

/** Whether a text is one emoji and nothing else. */
export function isEmoji(text: string): boolean {
  return text.length <= 20 && (/^\p{RGI_Emoji}$/v.test(text) || /^\p{Extended_Pictographic}$/v.test(text))
}
