import { BlockList, isIPv4, isIPv6 } from 'node:net'

/** What no record may reach: the special-purpose address registries of IANA (RFC 6890), multicast, and what hides them. */
const REFUSED_V4 = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8',
  '100.64.0.0/10', // carrier-grade NAT
  '127.0.0.0/8',
  '169.254.0.0/16', // link-local; the metadata services of clouds
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]
/** What companies use within their walls. */
const PRIVATE_V4 = ['10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16']
const PRIVATE_V6 = ['::1/128', 'fc00::/7']
/** Of IPv6 only global unicast (2000::/3) is reached, without these parts of it. */
const REFUSED_V6 = [
  '2001::/23', // Teredo and other protocol assignments
  '2001:db8::/32',
  '2002::/16', // 6to4
  '3fff::/20',
]

function listOf(subnets: readonly string[], type: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList()
  for (const subnet of subnets) {
    const [network = '', bits] = subnet.split('/')
    list.addSubnet(network, Number(bits), type)
  }
  return list
}

const refusedV4 = listOf(REFUSED_V4, 'ipv4')
const refusedV6 = listOf(REFUSED_V6, 'ipv6')
const privateV4 = listOf(PRIVATE_V4, 'ipv4')
const privateV6 = listOf(PRIVATE_V6, 'ipv6')
const globalV6 = listOf(['2000::/3'], 'ipv6')

/** True for a public unicast address. v4-mapped (`::ffff:`), NAT64 (`64:ff9b::`), loopback and local ones are none. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !refusedV4.check(address, 'ipv4')
  const plain = address.split('%')[0] ?? ''
  return isIPv6(plain) && globalV6.check(plain, 'ipv6') && !refusedV6.check(plain, 'ipv6')
}

/** True for a loopback or private address. Link-local ones, where clouds tell their secrets, are none. */
export function isPrivateAddress(address: string): boolean {
  if (isIPv4(address)) return privateV4.check(address, 'ipv4')
  return isIPv6(address) && !address.includes('%') && privateV6.check(address, 'ipv6')
}
