import { lchownSync, lstatSync } from 'node:fs'
import { SANDBOX_USER } from './sandbox-user.ts'

/**
 * Makes the journal beside an outbox the sandbox's again. SQLite that runs as root gives each journal it opens the owner
 * of the database (robustFchown in os_unix.c), also to look whether it is in use; in a sticky folder the writer in the
 * sandbox could then not remove it, and no commit of it would end any more. Idempotent; does nothing for a host that is
 * not root. Nobody but root can put something else there meanwhile; what has a second name is none of SQLite's.
 */
export function giveBackJournal(outbox: string): void {
  if (process.getuid?.() !== 0) return
  const journal = `${outbox}-journal`
  const found = lstatSync(journal, { throwIfNoEntry: false })
  if (!found?.isFile() || found.uid !== 0 || found.nlink !== 1) return
  try {
    lchownSync(journal, SANDBOX_USER.uid, SANDBOX_USER.gid)
  } catch (error) {
    // Its writer has removed it meanwhile.
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
}
