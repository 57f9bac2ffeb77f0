// Loaded before a program under test: see src/programs/die-after-write.ts. Plain JavaScript, because Node loads it itself.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const name = process.env.DIE_AFTER_WRITING;
let left = Number(process.env.DIE_AT_COUNT ?? 1);

function onRenamed(target) {
  if (!name || !String(target).endsWith(name)) return;
  left -= 1;
  if (left <= 0) process.kill(process.pid, 'SIGKILL');
}

const { rename: renameCallback, renameSync } = fs;
const renamePromise = fs.promises.rename;
fs.renameSync = (from, to) => {
  renameSync(from, to);
  onRenamed(to);
};
fs.rename = (from, to, callback) =>
  renameCallback(from, to, (error) => {
    if (!error) onRenamed(to);
    callback(error);
  });
fs.promises.rename = async (from, to) => {
  await renamePromise(from, to);
  onRenamed(to);
};
syncBuiltinESMExports();
