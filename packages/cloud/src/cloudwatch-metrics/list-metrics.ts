import { DEVICE_NAMESPACE, namespaceOf } from '../device-metrics/namespace.ts';
import { type SeriesItem, seriesKeys } from '../device-metrics/series-records.ts';
import type { ItemStore } from '../ports/item-store.ts';
import { cloudWatchError, invalid } from './errors.ts';
import { type Input, LIMITS, listIn, metricNameIn, namespaceIn, requiredText } from './parameters.ts';

/** Milliseconds that `PT3H` reaches back. */
const RECENTLY = 3 * 3_600_000;

/** Series that are looked at for one page: where few of them are meant a page has few, or none, and goes on. */
const LOOKED_AT = 1000;

/** Where a page begins: among what devices set, or what has a namespace, after a sort key. */
interface Place {
  among: 'devices' | 'namespaces';
  after: string | undefined;
}

/** The names of an account's metrics, a page. @throws InvalidParameterValueException, InvalidNextToken */
export async function listMetrics(
  store: Pick<ItemStore, 'query'>,
  { accountId, input, now }: { accountId: string; input: Input; now: number },
): Promise<object> {
  const isMeant = matcherOf(input, now);
  const namespace = present(input.Namespace) ? namespaceIn(input) : undefined;
  const metric = present(input.MetricName) ? metricNameIn(input) : undefined;
  const Metrics: object[] = [];
  let place: Place | undefined = placeOf(input.NextToken) ?? {
    among: namespace === undefined || namespace === DEVICE_NAMESPACE ? 'devices' : 'namespaces',
    after: undefined,
  };
  for (let looked = 0; place && looked < LOOKED_AT && Metrics.length < LIMITS.page; ) {
    const among: Place['among'] = place.among;
    const within = among === 'devices' ? undefined : (namespaceOf(namespace) ?? '*');
    // Of all namespaces a metric is not looked for by its key.
    const { pk, begins } = seriesKeys({
      accountId,
      namespace: within,
      metric: within === '*' ? undefined : metric,
    });
    const limit = LIMITS.page - Metrics.length;
    const page = await store.query(pk, { begins, after: place.after, limit });
    looked += page.items.length;
    for (const item of page.items as SeriesItem[]) if (isMeant(item)) Metrics.push(shown(item));
    if (page.next !== undefined) place = { among, after: page.next };
    else
      place =
        among === 'devices' && namespace === undefined
          ? { among: 'namespaces', after: undefined }
          : undefined;
  }
  return { Metrics, ...(place && { NextToken: tokenOf(place) }) };
}

function matcherOf(input: Input, now: number): (item: SeriesItem) => boolean {
  const metric = present(input.MetricName) ? metricNameIn(input) : undefined;
  const filters = listIn(input.Dimensions, 'Dimensions', 10).map((filter, index) => ({
    name: requiredText(filter.Name, `Dimensions.member.${index + 1}.Name`),
    value: present(filter.Value) ? String(filter.Value) : undefined,
  }));
  const { RecentlyActive: recently } = input;
  if (present(recently) && recently !== 'PT3H') throw invalid('The parameter RecentlyActive must be PT3H.');
  return ({ metric: name, dimensions, updated }) => {
    if (metric !== undefined && metric !== name) return false;
    if (present(recently) && Date.parse(updated) < now - RECENTLY) return false;
    return filters.every(
      (filter) =>
        Object.hasOwn(dimensions, filter.name) &&
        (filter.value === undefined || dimensions[filter.name] === filter.value),
    );
  };
}

function shown({ namespace = DEVICE_NAMESPACE, metric, dimensions }: SeriesItem): object {
  const Dimensions = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));
  return { Namespace: namespace, MetricName: metric, Dimensions };
}

function tokenOf({ among, after = '' }: Place): string {
  return Buffer.from(`${among} ${after}`).toString('base64url');
}

function placeOf(token: unknown): Place | undefined {
  if (!present(token)) return undefined;
  const text = Buffer.from(String(token).slice(0, 8192), 'base64url').toString();
  const [, among, after] = /^(devices|namespaces) ([^\0]*)$/s.exec(text) ?? [];
  if (among === undefined) throw cloudWatchError('InvalidNextToken', 'The token of NextToken is invalid.');
  return { among: among as Place['among'], after: after === '' ? undefined : after };
}

function present(value: unknown): boolean {
  return value !== undefined && value !== null;
}
