/** What both ends are started with: a model for each way that items travel, and one that is merged by field. */
export const TORTURE_SCHEMA = JSON.stringify({
  format: 'onetable:1.1.0',
  version: '1.0.0',
  indexes: { primary: { hash: 'pk', sort: 'sk' } },
  params: { typeField: '_type', timestamps: true, isoDates: true },
  models: {
    Reading: {
      pk: { type: 'string', value: 'reading#${accountId}#${deviceId}' },
      sk: { type: 'string', value: 'reading#${name}' },
      accountId: { type: 'string' },
      deviceId: { type: 'string' },
      name: { type: 'string', required: true },
      value: { type: 'string' },
    },
    Order: sharedBy('order', 'value'),
    Setting: sharedBy('setting', 'value'),
    Panel: sharedBy('panel', 'led', 'level', 'mode'),
  },
  process: {
    Reading: { enable: 'both', sync: 'up' },
    Order: { enable: 'both', sync: 'down' },
    Setting: { enable: 'both', sync: 'both' },
    Panel: { enable: 'both', sync: 'both', merge: 'fields' },
  },
});

export const PANEL_FIELDS = ['led', 'level', 'mode'] as const;

/** Of the account, and so of all of its devices. */
function sharedBy(name: string, ...fields: string[]) {
  return {
    pk: { type: 'string', value: `${name}#\${accountId}` },
    sk: { type: 'string', value: `${name}#\${name}` },
    accountId: { type: 'string' },
    name: { type: 'string', required: true },
    ...Object.fromEntries(fields.map((field) => [field, { type: 'string' }])),
  };
}
