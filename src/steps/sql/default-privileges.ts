import type { DefaultWant, Extra, RightsState, RightsWant } from './rights.ts';
import { grantee, identifier, type Statement } from './text.ts';

type Of = Pick<DefaultWant, 'for' | 'schema' | 'kind'>;

const alter = (of: Of, change: string): string =>
  `alter default privileges for role ${identifier(of.for)} in schema ${identifier(of.schema)} ${change}`;
const words = (of: Of): string => `new ${of.kind}s of ${of.for} in ${of.schema}`;

/** Returns the statements that grant what is missing on objects that will be created, in schemas that exist or are made. */
export const defaultStatements = ({ defaults, schemas }: RightsWant, state: RightsState): Statement[] =>
  defaults.flatMap((want) => {
    if (![...schemas, ...state.schemas].some(({ name }) => name === want.schema)) return [];
    const rights = rightsOf(want, state);
    const lacking = want.privileges.filter((one) => !rights.some(([to, what]) => to === want.to && what === one));
    if (lacking.length === 0) return [];
    return [
      {
        text: `grant ${lacking.join(', ')} on ${words(want)} to ${want.to}`,
        statement: () => alter(want, `grant ${lacking.join(', ')} on ${want.kind}s to ${grantee(want.to)}`),
      },
    ];
  });

const rightsOf = (of: Of, { defaults }: RightsState) =>
  defaults.find((one) => one.for === of.for && one.schema === of.schema && one.kind === of.kind)?.rights ?? [];

/** Returns the default privileges that are not declared, of roles, schemas and kinds of which some are. */
export function undeclaredDefaults(want: RightsWant, state: RightsState): Extra[] {
  const about = new Map(want.defaults.map((one) => [`${one.for}\0${one.schema}\0${one.kind}`, one]));
  return [...about.values()].flatMap((of) => {
    const over = rightsOf(of, state).filter(
      ([to, privilege]) =>
        to !== of.for &&
        !want.defaults.some(
          (one) =>
            one.for === of.for &&
            one.schema === of.schema &&
            one.kind === of.kind &&
            one.to === to &&
            one.privileges.includes(privilege),
        ),
    );
    return [...new Set(over.map(([to]) => to))].map((to) => {
      const privileges = over.filter(([who]) => who === to).map(([, privilege]) => privilege);
      return {
        text: `${to} gets ${privileges.join(', ')} on ${words(of)}`,
        statement: {
          text: `revoke ${privileges.join(', ')} on ${words(of)} from ${to}`,
          statement: () => alter(of, `revoke ${privileges.join(', ')} on ${of.kind}s from ${grantee(to)}`),
        },
      };
    });
  });
}
