/** Ranges of IPv4 that are not the public internet: own networks, this machine, metadata services, reserved. */
const NOT_PUBLIC_V4: readonly (readonly [address: number, bits: number])[] = [
  [v4(0, 0, 0, 0), 8],
  [v4(10, 0, 0, 0), 8],
  [v4(100, 64, 0, 0), 10],
  [v4(127, 0, 0, 0), 8],
  [v4(169, 254, 0, 0), 16],
  [v4(172, 16, 0, 0), 12],
  [v4(192, 0, 0, 0), 24],
  [v4(192, 0, 2, 0), 24],
  [v4(192, 88, 99, 0), 24],
  [v4(192, 168, 0, 0), 16],
  [v4(198, 18, 0, 0), 15],
  [v4(198, 51, 100, 0), 24],
  [v4(203, 0, 113, 0), 24],
  // A cloud's service for its own machines, at an address that looks public.
  [v4(168, 63, 129, 16), 32],
  [v4(224, 0, 0, 0), 3],
]

/** `127.0.0.1`, four numbers and nothing else: `127.1`, `0x7f.0.0.1` and `0127.0.0.1` are read in several ways. */
export function isIpv4(text: string): boolean {
  return parseV4(text) !== null
}

/** An IPv6 address in its one canonical form, without brackets; null when it is none. A zone (`%eth0`) makes it none. */
export function canonicalIpv6(text: string): string | null {
  if (!/^[0-9a-f:.]{2,45}$/i.test(text) || !text.includes(':')) return null
  const url = `http://[${text}]/`
  return URL.canParse(url) ? new URL(url).hostname.slice(1, -1) : null
}

/**
 * Whether an address belongs to the public internet: not to this machine, a private or link-local network, a metadata
 * service or a reserved range, in whatever IPv6 form it comes. False for anything that is not an address.
 */
export function isPublicAddress(address: string): boolean {
  const four = parseV4(address)
  if (four !== null) return isPublicV4(four)
  const six = canonicalIpv6(address)
  return six !== null && isPublicV6(groupsOf(six))
}

function isPublicV4(address: number): boolean {
  return !NOT_PUBLIC_V4.some(([range, bits]) => (address ^ range) >>> (32 - bits) === 0)
}

function isPublicV6(groups: readonly number[]): boolean {
  const [a = 0, b = 0, , , , f = 0, g = 0, h = 0] = groups
  const last = ((g << 16) | h) >>> 0
  const isZero = (from: number, to: number) => groups.slice(from, to).every((group) => group === 0)
  // An IPv4 address in another form is judged as what it is.
  if (isZero(0, 5) && f === 0xffff) return isPublicV4(last)
  if (a === 0x64 && b === 0xff9b && isZero(2, 6)) return isPublicV4(last)
  if (a >> 13 !== 1) return false
  const isReserved = a === 0x2001 && (b < 0x200 || b === 0xdb8)
  const isTunnel = a === 0x2002
  const isExample = a === 0x3fff && b < 0x1000
  return !isReserved && !isTunnel && !isExample
}

function groupsOf(canonical: string): number[] {
  const [head = '', tail] = canonical.split('::')
  const parse = (part: string) =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  const [front, back] = [parse(head), parse(tail ?? '')]
  return [...front, ...Array.from({ length: 8 - front.length - back.length }, () => 0), ...back]
}

function parseV4(text: string): number | null {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return null
  const [a = 0, b = 0, c = 0, d = 0] = parts.map(Number)
  return v4(a, b, c, d)
}

function v4(a: number, b: number, c: number, d: number): number {
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
}
