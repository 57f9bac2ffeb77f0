import { randomInt } from 'node:crypto';
import { type Clock, CodedError, isoTime, newUlid } from '@ioto/runtime';
import type { ItemStore, StoredItem } from '../../ports/item-store.ts';
import type { Product, ProductToken } from './product.ts';

const PARTITION = 'product#';

/** Crockford's letters: a token looks like the product ID that devices already carry in that place. */
const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

export interface NewProduct {
  name: string;
  description?: string;
  requireKey?: boolean;
}

interface ProductItem extends StoredItem, Product {
  version: number;
}

/** Product definitions and their registration tokens. */
export class Products {
  readonly #store: ItemStore;
  readonly #clock: Clock;

  constructor(options: { store: ItemStore; clock: Clock }) {
    this.#store = options.store;
    this.#clock = options.clock;
  }

  async create({ name, description, requireKey = false }: NewProduct): Promise<Product> {
    const id = newUlid(this.#clock.now());
    const created = isoTime(this.#clock);
    const token: ProductToken = { token: id, enabled: true, created };
    const product: Product = { id, name, description, created, requireKey, tokens: [token] };
    await this.#store.write([
      { put: { pk: PARTITION, sk: id, version: 1, ...product }, if: { absent: true } },
      { put: { ...tokenKey(id), productId: id }, if: { absent: true } },
    ]);
    return product;
  }

  /** @throws PRODUCT_UNKNOWN (404) */
  async require(id: string): Promise<Product> {
    return toProduct(await this.#item(id));
  }

  async list(after?: string): Promise<{ items: Product[]; next?: string }> {
    const { items, next } = await this.#store.query(PARTITION, { after, limit: 1000 });
    return { items: items.map((item) => toProduct(item as ProductItem)), next };
  }

  /** The product that a registration token, or a product ID, belongs to. */
  async ofToken(token: string): Promise<Product | undefined> {
    if (token === '' || token.length > 64 || token.includes('\0')) return undefined;
    const found = await this.#store.get(tokenKey(token).pk, 'token');
    const item = found && (await this.#store.get(PARTITION, String(found.productId)));
    return item && toProduct(item as ProductItem);
  }

  /** Gives a product one more token. */
  async addToken(id: string, facts: { name?: string; expires?: string }): Promise<Product> {
    const token = Array.from({ length: 26 }, () => LETTERS[randomInt(LETTERS.length)]).join('');
    const item = await this.#item(id);
    const tokens = [...item.tokens, { token, enabled: true, created: isoTime(this.#clock), ...facts }];
    await this.#store.write([
      this.#put(item, { tokens }),
      { put: { ...tokenKey(token), productId: id }, if: { absent: true } },
    ]);
    return toProduct({ ...item, tokens });
  }

  /**
   * Enables or disables a token, or says when it ends (`expires: null`: never).
   *
   * @throws PRODUCT_UNKNOWN (404)
   */
  async changeToken(token: string, change: { enabled?: boolean; expires?: string | null }): Promise<Product> {
    const product = await this.ofToken(token);
    if (!product) throw unknown();
    const item = await this.#item(product.id);
    const tokens = item.tokens.map((candidate) => {
      if (candidate.token !== token) return candidate;
      const { expires: before, ...rest } = candidate;
      const expires = change.expires === null ? undefined : (change.expires ?? before);
      return {
        ...rest,
        enabled: change.enabled ?? rest.enabled,
        ...(expires === undefined ? {} : { expires }),
      };
    });
    await this.#store.write([this.#put(item, { tokens })]);
    return toProduct({ ...item, tokens });
  }

  /** @throws PRODUCT_UNKNOWN (404) */
  async update(id: string, changes: Partial<NewProduct>): Promise<Product> {
    const item = await this.#item(id);
    const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
    await this.#store.write([this.#put(item, given)]);
    return toProduct({ ...item, ...given });
  }

  #put(item: ProductItem, changes: Partial<Product>) {
    return {
      put: { ...item, ...changes, version: item.version + 1 },
      if: { equals: { version: item.version } },
    };
  }

  async #item(id: string): Promise<ProductItem> {
    const item = await this.#store.get(PARTITION, id);
    if (!item) throw unknown();
    return item as ProductItem;
  }
}

function unknown(): CodedError {
  return new CodedError('PRODUCT_UNKNOWN', 'there is no such product', { status: 404 });
}

function tokenKey(token: string): { pk: string; sk: string } {
  return { pk: `product-token#${token}`, sk: 'token' };
}

function toProduct({ pk: _pk, sk: _sk, version: _version, ...product }: ProductItem): Product {
  return product;
}
