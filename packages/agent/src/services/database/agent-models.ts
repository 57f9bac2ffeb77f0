/**
 * The agent's own models, of no product's schema and never synced. Their names are the database's, so that a device with
 * the database and without sync loads nothing of sync.
 */

/** What the agent has acted on. */
export const COMMAND_JOURNAL = 'CommandRun';
/** Whether models in memory have had items. */
export const MEMORY_NOTE = 'MemoryNote';
/** What names this database to the cloud: lost with it, and then another. */
export const SYNC_GENERATION = 'SyncGeneration';

export const AGENT_MODELS = {
  [COMMAND_JOURNAL]: {
    pk: { type: 'string', value: 'agent#' },
    sk: { type: 'string', value: 'agent#command#${id}' },
    id: { type: 'string', required: true },
    ran: { type: 'date' },
  },
  [MEMORY_NOTE]: {
    pk: { type: 'string', value: 'agent#' },
    sk: { type: 'string', value: 'agent#memory#' },
  },
  [SYNC_GENERATION]: {
    pk: { type: 'string', value: 'agent#' },
    sk: { type: 'string', value: 'agent#generation#' },
    id: { type: 'string', required: true },
    checked: { type: 'date' },
  },
};

/**
 * They are on disk whatever `database.durability` says: a Command that ran must not run again after a restart because the
 * product keeps its own items in memory.
 */
export const AGENT_PROCESS = {
  [COMMAND_JOURNAL]: { sync: 'none', durability: 'each' },
  [MEMORY_NOTE]: { sync: 'none', durability: 'each' },
};
