/** The account agents run as inside their sandbox; made by the image, never the host's own. */
export const SANDBOX_USER = { uid: 10001, gid: 10001 } as const
