const EPOCH = /~(\d{1,9})$/

/** What the runner calls a conversation: another name for each time it was begun anew, so that nothing old is resumed. */
export function sessionInEpoch(session: string, epoch: number): string {
  return epoch === 0 ? session : `${session}~${epoch}`
}

/** The way back. */
export function splitSession(name: string): { session: string; epoch: number } {
  const match = EPOCH.exec(name)
  return { session: name.replace(EPOCH, ''), epoch: Number(match?.[1] ?? 0) }
}
