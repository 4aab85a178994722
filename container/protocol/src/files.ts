import * as z from 'zod'

/** Folder for files beside either log: `in/files` holds what came with messages, `out/files` what the agent sends. */
export const FILES_FOLDER = 'files'

/** Largest file that goes either way. */
export const MAX_FILE_BYTES = 50_000_000

/** Files that one message brings, or one turn sends. */
export const MAX_FILES = 20

/** What a person or a platform calls it; what it really is, only its bytes tell. */
export const FileKind = z.enum(['image', 'voice', 'video', 'document', 'sticker'])

/** SHA-256 of a file's bytes, in hex: the name it is kept under. */
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/)

/** For people to read. Never part of a path. */
export const FileName = z.string().min(1).max(200)

const Pixels = z.number().int().positive()

/** A file that came with a message. */
export const InboxAttachment = z.object({
  /** Its name in `in/files`: the hash of its bytes, and an ending by which programs know its type. */
  file: z.string().regex(/^[0-9a-f]{64}(?:\.[a-z0-9]{1,8})?$/),
  kind: FileKind,
  name: FileName,
  mime: z.string().max(100),
  bytes: z.number().int().nonnegative(),
  /** Size of an image that a model can be shown; read from its bytes by the host. */
  pixels: z.object({ width: Pixels, height: Pixels }).optional(),
})

export type FileKind = z.infer<typeof FileKind>
export type InboxAttachment = z.infer<typeof InboxAttachment>
