/** Words to the host that count at once, whatever waits before them; the others keep their place in the conversation. */
const URGENT = /^(?:@\S{1,100}\s+)?\/(?:stop|status|help)(?:@\S{1,100})?$/i

/** Whether a message looks like one; whose word counts is decided when it is routed. */
export function isUrgentText(text: string): boolean {
  return text.length < 300 && URGENT.test(text.trim())
}
