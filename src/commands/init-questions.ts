import { address, clusterName, network } from '../inventory/values.ts';
import { askLine, printMessage } from '../run/ask.ts';
import { type InitOptions, list } from './init-options.ts';

/** Says what is wrong with an answer; undefined where nothing is. */
type Check = (answer: string) => string | undefined;

/** A check of each word of an answer by a value of the inventory. */
const eachIs =
  (value: typeof address, least = 0): Check =>
  (answer) => {
    const words = list(answer);
    if (words.length < least) return 'at least one is needed';
    return words.map((word) => value.safeParse(word).error?.issues[0]?.message).find(Boolean);
  };

/** Asks until an answer is right, so that a mistake costs one answer and not all of them. */
async function askUntil(question: string, check: Check, fallback = ''): Promise<string> {
  for (;;) {
    const answer = await askLine(question, fallback);
    const wrong = check(answer);
    if (wrong === undefined) return answer;
    printMessage(wrong);
  }
}

/** Asks for what an inventory of one place needs, and flags have not said. */
export async function askForInventory(given: InitOptions): Promise<InitOptions> {
  const cluster = given.cluster ?? (await askUntil('Name of the cluster', eachIs(clusterName, 1), 'main'));
  const databases = await askUntil('Addresses of the database hosts, separated by commas', eachIs(address, 1));
  const count = list(databases).length;
  const question = `Address of a small host that votes in etcd${count === 2 ? '' : ' (empty: none)'}`;
  const witness =
    given.witness ?? (count % 2 === 0 ? await askUntil(question, eachIs(address, count === 2 ? 1 : 0)) : undefined);
  const balancers = given.balancers ?? (await askUntil('Addresses of the balancers (empty: none)', eachIs(address)));
  const vip = 'Virtual address of the balancers, such as 10.0.0.100/24 (empty: none)';
  return {
    ...given,
    cluster,
    databases,
    ...(witness ? { witness } : {}),
    balancers,
    vip: given.vip ?? (list(balancers).length > 0 ? await askUntil(vip, eachIs(network)) : ''),
    backup: given.backup ?? (await askUntil('Address of the backup host (empty: no backups)', eachIs(address))),
    clients: given.clients ?? (await askUntil('Networks of the clients, such as 10.0.0.0/24', eachIs(network))),
    user: given.user ?? (await askLine('Login name', 'root')),
  };
}
