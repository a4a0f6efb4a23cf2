import { isIPv6 } from 'node:net';

/** An address as PostgreSQL stores it. */
export interface IpAddress {
  family: 4 | 6;
  bits: bigint;
}

/** The address column of a record. */
export type HbaAddress =
  | { kind: 'all' | 'samehost' | 'samenet' }
  | { kind: 'host'; name: string }
  | { kind: 'network'; address: IpAddress; mask: bigint };

export const widthOf = (family: 4 | 6): 32 | 128 => (family === 4 ? 32 : 128);

/** A number of inet_aton(3): decimal, octal with a leading 0, or hexadecimal with a leading 0x. */
const NUMBER = /^(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/;

/**
 * Reads an address as getaddrinfo(3) with AI_NUMERICHOST does (glibc), which is what PostgreSQL calls: `10.1` is
 * 10.0.0.1 and `10` is 0.0.0.10. Undefined when PostgreSQL would take the text for a host name.
 */
export function numericAddress(text: string): IpAddress | undefined {
  if (isIPv6(text) && !text.includes('%')) return { family: 6, bits: ipv6Bits(text) };
  const parts = text.split('.');
  if (parts.length > 4 || !parts.every((part) => NUMBER.test(part))) return undefined;
  const numbers = parts.map((part) => BigInt(/^0[0-7]/.test(part) ? `0o${part.slice(1)}` : part));
  const last = numbers.pop()!;
  // The last number fills the remaining bits.
  const room = 1n << BigInt(8 * (4 - numbers.length));
  if (last >= room || numbers.some((number) => number > 255n)) return undefined;
  return {
    family: 4,
    bits: numbers.reduce((bits, number, index) => bits | (number << BigInt(24 - 8 * index)), last),
  };
}

function ipv6Bits(text: string): bigint {
  // The last 32 bits may be written as IPv4 (RFC 4291, 2.2).
  const plain = text.replace(/\d+\.\d+\.\d+\.\d+$/, (four) => {
    const [a = 0, b = 0, c = 0, d = 0] = four.split('.').map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [head = '', tail] = plain.split('::');
  const groups = (part: string | undefined): string[] => (part ? part.split(':') : []);
  const [before, after] = [groups(head), groups(tail)];
  const missing = tail === undefined ? 0 : 8 - before.length - after.length;
  const all = [...before, ...Array<string>(missing).fill('0'), ...after];
  return all.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}

/** Returns the mask of a prefix length as strtol(3) reads it; undefined when it is no number or out of range. */
export function prefixMask(text: string, family: 4 | 6): bigint | undefined {
  if (!/^[ \t]*[+-]?\d+$/.test(text)) return undefined;
  const length = Number(text);
  const width = widthOf(family);
  if (length < 0 || length > width) return undefined;
  return ((1n << BigInt(length)) - 1n) << BigInt(width - length);
}

/** Returns the length of a mask with all ones on the left; undefined for any other. */
export function prefixLength(mask: bigint, family: 4 | 6): number | undefined {
  const text = mask.toString(2).padStart(widthOf(family), '0');
  return /^1*0*$/.test(text) ? text.replace(/0+$/, '').length : undefined;
}

/** Formats an address: `10.0.0.0`; IPv6 in full groups. */
export function addressText({ family, bits }: IpAddress): string {
  const width = family === 4 ? 8 : 16;
  const count = widthOf(family) / width;
  const groups = Array.from(
    { length: count },
    (_, index) => (bits >> BigInt(width * (count - 1 - index))) & ((1n << BigInt(width)) - 1n),
  );
  return family === 4 ? groups.join('.') : groups.map((group) => group.toString(16)).join(':');
}
