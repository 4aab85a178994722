import type { Approval } from '../domain/approval.ts'
import type { Choice } from '../domain/ports/channel.ts'

/** What the buttons of an ask say; people without buttons type the same. */
export function choicesOf({ code, kind, choices }: Pick<Approval, 'code' | 'kind' | 'choices'>): Choice[] {
  return choices.map(({ id, label, allows }) => {
    if (kind === 'question') return { label, say: `/answer ${code} ${id}` }
    return { label, say: allows ? `/approve ${code} ${id}` : `/reject ${code}` }
  })
}
