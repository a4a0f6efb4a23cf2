import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import type { AnsibleInventory } from './ansible.ts';

const outputs = z.record(z.string(), z.looseObject({ value: z.unknown() }), {
  error: 'it is not what "terraform output -json" prints',
});

/** The end of an output's name that says what it holds, not whose it is: `database_private_ips` is of `database`. */
const SUFFIX = /[_-]?(?:ipv[46])?[_-]?(?:ips?|ip_address(?:es)?|address(?:es)?|hosts?|nodes?|servers?|names?)$/;
const SIDE = /[_-]?(private|internal|public|external)$/;

/** Whose output this is, and whether its addresses are the way in from outside. */
function subjectOf(output: string): { group: string; isPublic: boolean } {
  const name = output.toLowerCase().replace(SUFFIX, '');
  const side = SIDE.exec(name)?.[1];
  const group = name.replace(SIDE, '').replace(SUFFIX, '');
  return { group, isPublic: side === 'public' || side === 'external' };
}

/** The addresses of an output with the names of their hosts, where it has some; undefined for what is none. */
function addressesOf(value: unknown): { name?: string; address: string }[] | undefined {
  const isAddress = (one: unknown): one is string => typeof one === 'string' && ipaddr.isValid(one);
  if (isAddress(value)) return [{ address: value }];
  if (Array.isArray(value) && value.length > 0 && value.every(isAddress)) return value.map((address) => ({ address }));
  const pairs = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return pairs.length > 0 && pairs.every(([, one]) => isAddress(one))
    ? pairs.map(([name, address]) => ({ name, address: address as string }))
    : undefined;
}

/**
 * Reads the outputs of Terraform as groups of hosts, named by their outputs. Where there are private and public addresses of
 * one subject, the private ones are those of the cluster's network, and the public ones the way in. `unused` are outputs
 * without addresses. Throws for what is no such text.
 */
export function readTerraform(text: string): { inventory: AnsibleInventory; unused: string[] } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = undefined;
  }
  const found = outputs.safeParse(parsed);
  if (!found.success) throw new Error('it is not what "terraform output -json" prints');
  const unused: string[] = [];
  const sides = new Map<
    string,
    { inside?: ReturnType<typeof addressesOf>; outside?: ReturnType<typeof addressesOf> }
  >();
  for (const [output, { value }] of Object.entries(found.data)) {
    const list = addressesOf(value);
    if (!list) {
      unused.push(output);
      continue;
    }
    const { group, isPublic } = subjectOf(output);
    const both = sides.get(group) ?? {};
    const side = isPublic ? 'outside' : 'inside';
    if (both[side]) throw new Error(`${output} and another output would both be the addresses of ${group}`);
    sides.set(group, { ...both, [side]: list });
  }
  const hosts = new Map<string, Record<string, string>>();
  const groups = new Map<string, string[]>();
  for (const [group, { inside, outside }] of sides) {
    const list = inside ?? outside!;
    if (inside && outside && inside.length !== outside.length)
      throw new Error(`${group} has ${inside.length} private addresses and ${outside.length} public ones`);
    for (const [index, { name, address }] of list.entries()) {
      const way =
        inside && outside ? (outside.find((one) => name && one.name === name) ?? outside[index]!).address : address;
      const key = name ?? address;
      hosts.set(key, { ...hosts.get(key), private_ip: address, ansible_host: way });
      groups.set(group, [...(groups.get(group) ?? []), key]);
    }
  }
  return { inventory: { hosts, groups }, unused };
}
