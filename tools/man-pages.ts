import { Command, type Option } from 'commander';
import { program } from '../src/cli.ts';
import { examplesOf, groupsOf, optionText, usageOf } from '../src/commands/help/text.ts';
import { ENVIRONMENT, EXIT_CODES } from '../src/commands/help/topics.ts';
import { isFolded, withCommonOptions } from '../src/commands/register/options.ts';
import { EXIT } from '../src/errors.ts';

/** A text as roff takes it: no escape, no request at the beginning of a line, and hyphens that can be copied. */
const roff = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('~', '\\(ti')
    .replaceAll('^', '\\(ha')
    .replaceAll('`', '\\(ga')
    .replaceAll("'", '\\(aq')
    .replaceAll(/^\./gm, '\\&.');

/** A sentence: words between backquotes, which are typed, are bold. */
const prose = (text: string): string =>
  text
    .split(/`(.*?)`/)
    .map((part, index) => (index % 2 === 1 ? `\\fB${roff(part)}\\fR` : roff(part)))
    .join('');

const capital = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
const sentence = (text: string): string => prose(`${capital(text)}.`);
const bold = (text: string): string => `\\fB${roff(text)}\\fR`;

const section = (name: string, ...lines: readonly string[]): string[] =>
  lines.length > 0 ? [`.SH ${name}`, ...lines] : [];
const item = (term: string, text: string): string[] => ['.TP', term, prose(text)];

/** The flags of an option: names bold, its value italic. */
const flags = ({ short, long, flags: all }: Option): string => {
  const value = /[<[].*$/.exec(all)?.[0].replaceAll(/[<>[\]]/g, '');
  const names = [short, long].flatMap((one) => (one ? [bold(one)] : [])).join(', ');
  return value ? `${names} \\fI${roff(value)}\\fR` : names;
};
const options = (list: readonly Option[]): string[] => list.flatMap((one) => item(flags(one), optionText(one)));

const examples = (lines: readonly string[]): string[] => ['.nf', ...lines.map(roff), '.fi'];

const title = (name: string): string => `.TH ${roff(name.toUpperCase())} 1 "" "hapg ${program.version()}" "hapg"`;
const seeAlso = (names: readonly string[]): string[] =>
  section('SEE ALSO', names.map((name) => `\\fB${roff(name)}\\fR(1)`).join(',\n'));

/** The name of a command's page: those of its verbs are parts of it. */
const pageOf = (command: Command): string => `hapg-${command.name()}`;

const exitCodes = (): string[] =>
  section(
    'EXIT STATUS',
    ...Object.entries(EXIT).flatMap(([name, code]) =>
      item(bold(String(code)), EXIT_CODES[name as keyof typeof EXIT].meaning),
    ),
  );

const environment = (): string[] =>
  section('ENVIRONMENT', ...ENVIRONMENT.flatMap(({ names, meaning }) => item(names.map(bold).join(', '), meaning)));

/** Arguments and own options of a command; the common ones are on the page of hapg. */
function details(command: Command): string[] {
  const own = command.options.filter((one) => !isFolded(one) && !one.hidden);
  return [
    ...command.registeredArguments.flatMap((one) => item(`\\fI${roff(one.name())}\\fR`, one.description)),
    ...options(own),
    ...(command.options.some(isFolded) ? ['.PP', `The common options are described in ${bold('hapg')}(1).`] : []),
  ];
}

/** The page of a command, with its verbs. */
function commandPage(command: Command): string {
  const all = [command, ...command.commands].filter((one) => one === command || one.commands.length === 0);
  const runs = all.filter((one) => one.commands.length === 0 || one.options.length > 0);
  return `${[
    title(pageOf(command)),
    ...section('NAME', `${roff(pageOf(command))} \\- ${prose(command.description())}`),
    ...section(
      'SYNOPSIS',
      ...runs.flatMap((one, index) => [...(index > 0 ? ['.br'] : []), `${roff(usageOf(one))} [\\fIoption\\fR]...`]),
    ),
    ...section('DESCRIPTION', sentence(command.description())),
    ...section('OPTIONS', ...details(command)),
    ...section(
      'COMMANDS',
      ...command.commands.flatMap((one) => [`.SS ${roff(usageOf(one))}`, sentence(one.description()), ...details(one)]),
    ),
    ...section('EXIT STATUS', `See ${bold('hapg')}(1).`),
    ...section('EXAMPLES', ...examples([...new Set(all.flatMap((one) => examplesOf(one)))])),
    ...seeAlso(['hapg']),
  ].join('\n')}\n`;
}

/** The page of the program: its commands in their groups, common options, exit codes and environment. */
function mainPage(): string {
  return `${[
    title('hapg'),
    ...section('NAME', `hapg \\- ${prose('highly available PostgreSQL clusters over SSH')}`),
    ...section('SYNOPSIS', `${bold('hapg')} \\fIcommand\\fR [\\fIoption\\fR]... [\\fIargument\\fR]...`),
    ...section(
      'DESCRIPTION',
      prose(program.description()),
      'Each command has a page of its own.',
      `\\fBhapg help\\fR \\fIcommand\\fR prints a short form of it.`,
    ),
    ...section(
      'COMMANDS',
      ...[...groupsOf(program)].flatMap(([name, commands]) => [
        `.SS ${roff(name)}`,
        ...commands.flatMap((one) => item(`\\fB${roff(pageOf(one))}\\fR(1)`, capital(one.description()))),
      ]),
    ),
    ...section('COMMON OPTIONS', ...options(withCommonOptions(new Command()).options)),
    ...exitCodes(),
    ...environment(),
    ...section(
      'FILES',
      ...item(bold('inventory.yaml'), 'the cluster; another file with `-i`'),
      ...item(bold('.hapg/CLUSTER/'), 'beside the inventory: secrets, known hosts and journals of runs'),
    ),
    ...seeAlso(program.commands.map(pageOf)),
  ].join('\n')}\n`;
}

/** Every man page by its file name. They have no date, so that the same sources make the same pages. */
export const manPages = (): Map<string, string> =>
  new Map([['hapg.1', mainPage()], ...program.commands.map((one) => [`${pageOf(one)}.1`, commandPage(one)] as const)]);
