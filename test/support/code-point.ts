import fc from 'fast-check';

/** Code points that are no characters: half a pair of UTF-16 (D800 to DFFF). */
const SURROGATES = 0x800;
const FIRST_SURROGATE = 0xd800;

const of = (index: number): string => String.fromCodePoint(index < FIRST_SURROGATE ? index : index + SURROGATES);

function indexOf(one: unknown): number {
  const point = typeof one === 'string' ? (one.codePointAt(0) ?? 0) : 0;
  const index = point < FIRST_SURROGATE ? point : point - SURROGATES;
  if (one !== of(index)) throw new Error('this is no single code point');
  return index;
}

/**
 * Any code point, as the unit of `fc.string`: what its unit "binary" is. That one first makes a table of all 1.1 million
 * of them, which takes a second of processor time.
 */
export const codePoint = fc.nat({ max: 0x10ffff - SURROGATES }).map(of, indexOf);
