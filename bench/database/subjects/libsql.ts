import Database from 'libsql';
import type { Reading, Store, Subject } from '../subject.ts';

/** SQLite with its journal synced at every commit; many at once are one transaction. */
export const libsql: Subject = {
  name: 'libsql',
  durable: true,
  async open(directory): Promise<Store> {
    const db = new Database(`${directory}/libsql.db`);
    db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
      CREATE TABLE IF NOT EXISTS reading (id TEXT PRIMARY KEY, grp TEXT, value INTEGER, text TEXT) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS by_group ON reading (grp, id);`);
    const insert = db.prepare('INSERT INTO reading VALUES (?, ?, ?, ?)');
    const get = db.prepare('SELECT * FROM reading WHERE id = ?');
    const page = db.prepare('SELECT * FROM reading WHERE grp = ? ORDER BY id LIMIT 10');
    const find = db.prepare('SELECT * FROM reading WHERE value = ?');
    const create = ({ id, group, value, text }: Reading) => insert.run(id, group, value, text);
    return {
      create,
      createMany: (readings) => {
        db.exec('BEGIN');
        for (const reading of readings) create(reading);
        db.exec('COMMIT');
      },
      get: (id) => get.get(id),
      page: (group) => page.all(group),
      find: (value) => find.all(value),
      close: () => db.close(),
    };
  },
};
