import { z } from 'zod'

/** Address of a service, above its paths; a key in it would be shown with it. */
export const BaseUrl = z.url({ protocol: /^https?$/ }).refine((address) => {
  const { username, password, search, hash } = new URL(address)
  return `${username}${password}${search}${hash}` === ''
}, 'expected an address without user, password, query and fragment')
