/** Encodings that a file may lie in beside itself, and what its name then ends in; the smaller one first. */
export const VARIANTS = [
  { encoding: 'br', ending: '.br' },
  { encoding: 'gzip', ending: '.gz' },
] as const;

export type Variant = (typeof VARIANTS)[number];

/** The variants that a client takes, those it likes best first (RFC 9110 §12.5.3). */
export function acceptedVariants(acceptEncoding: string | undefined): Variant[] {
  if (acceptEncoding === undefined) return [];
  const weights = new Map<string, number>();
  for (const each of acceptEncoding.split(',', 32)) {
    const [, name, weight = '1'] = /^\s*([\w*-]+)\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?$/i.exec(each) ?? [];
    if (name !== undefined) weights.set(name.toLowerCase().replace(/^x-gzip$/, 'gzip'), Number(weight));
  }
  const weightOf = ({ encoding }: Variant) => weights.get(encoding) ?? weights.get('*') ?? 0;
  return VARIANTS.filter((variant) => weightOf(variant) > 0).sort(
    (left, right) => weightOf(right) - weightOf(left),
  );
}
