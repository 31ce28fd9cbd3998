// A certified OAuth 2.0 server for the tests, with an API of its own that its access tokens open.
//
//   node server.mjs PORT
//
// Clients register themselves at /reg (RFC 7591); `access_ttl` is how long their access tokens live, in seconds.
// Refresh tokens rotate strictly: one that is used twice ends its grant. The log-in takes any name and password.
// Beside the OAuth endpoints: /mint?client_id=... (the refresh token of a consent that nobody had to click),
// /expire?client_id=... (ends the client's access tokens), /api/... (200 for a live access token, else 401) and /counts (what the token endpoint
// was asked, by client).

import { Provider } from 'oidc-provider';

const port = Number(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;

// Everything in memory, and nothing thrown away: the library's own memory forgets after a thousand entries.
const rows = new Map();
const byUid = new Map();
const byGrant = new Map();

class Memory {
  constructor(model) {
    this.model = model;
  }
  key(id) {
    return `${this.model}:${id}`;
  }
  async upsert(id, payload, expiresIn) {
    const ends = expiresIn ? Date.now() + expiresIn * 1000 : Infinity;
    rows.set(this.key(id), { payload, ends });
    if (payload.uid) byUid.set(payload.uid, id);
    if (payload.grantId) {
      const ids = byGrant.get(payload.grantId) ?? new Set();
      byGrant.set(payload.grantId, ids.add(this.key(id)));
    }
  }
  async find(id) {
    const row = rows.get(this.key(id));
    if (!row || row.ends < Date.now()) return undefined;
    return row.payload;
  }
  async findByUid(uid) {
    return this.find(byUid.get(uid));
  }
  async findByUserCode() {
    return undefined;
  }
  async consume(id) {
    rows.get(this.key(id)).payload.consumed = Math.floor(Date.now() / 1000);
  }
  async destroy(id) {
    rows.delete(this.key(id));
  }
  async revokeByGrantId(grantId) {
    for (const key of byGrant.get(grantId) ?? []) rows.delete(key);
    byGrant.delete(grantId);
  }
}

const provider = new Provider(issuer, {
  adapter: Memory,
  clients: [],
  scopes: ['openid', 'offline_access', 'api:read', 'api:write'],
  cookies: { keys: ['of no worth: this server lives for one test run'] },
  extraClientMetadata: { properties: ['access_ttl'] },
  clientDefaults: { grant_types: ['authorization_code', 'refresh_token', 'client_credentials'] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    introspection: { enabled: true },
    registration: { enabled: true },
    revocation: { enabled: true },
  },
  issueRefreshToken: async (ctx, client) => client.grantTypeAllowed('refresh_token'),
  pkce: { methods: ['S256'], required: () => true },
  rotateRefreshToken: true,
  ttl: {
    AccessToken: (ctx, token, client) => client.access_ttl ?? 3600,
    ClientCredentials: (ctx, token, client) => client.access_ttl ?? 3600,
    AuthorizationCode: 60,
    Grant: 86_400,
    Interaction: 3600,
    RefreshToken: 86_400,
    Session: 86_400,
  },
  findAccount: async (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
});

const counts = {};
const count = (ctx, what) => {
  const client = ctx.oidc?.client?.clientId ?? 'unknown';
  counts[client] ??= {};
  counts[client][what] = (counts[client][what] ?? 0) + 1;
};
provider.on('grant.success', (ctx) => count(ctx, ctx.oidc.params.grant_type));
provider.on('grant.error', (ctx, error) => count(ctx, `error:${error.error}`));

// What the code flow ends with, without a browser: a test that needs a thousand consents cannot click them all.
async function mint(clientId) {
  const client = await provider.Client.find(clientId);
  const accountId = 'jo@example.com';
  const scope = 'openid offline_access api:read';
  const grant = new provider.Grant({ accountId, clientId });
  grant.addOIDCScope(scope);
  const grantId = await grant.save();
  const authTime = Math.floor(Date.now() / 1000);
  const token = new provider.RefreshToken({ accountId, authTime, client, grantId, gty: 'authorization_code', scope });
  return { refresh_token: await token.save() };
}

function expire(clientId) {
  for (const [key, { payload }] of rows) {
    if (/^(AccessToken|ClientCredentials):/.test(key) && payload.clientId === clientId) rows.delete(key);
  }
}

provider.use(async (ctx, next) => {
  if (ctx.path === '/expire') {
    expire(ctx.query.client_id);
    ctx.body = {};
    return;
  }
  if (ctx.path === '/counts') {
    ctx.body = counts;
    return;
  }
  if (ctx.path === '/mint') {
    ctx.body = await mint(ctx.query.client_id);
    return;
  }
  if (!ctx.path.startsWith('/api/')) {
    await next();
    return;
  }
  const presented = /^Bearer (.+)$/.exec(ctx.get('authorization'))?.[1] ?? '';
  const token =
    (await provider.AccessToken.find(presented)) ?? (await provider.ClientCredentials.find(presented));
  if (!token || token.isExpired) {
    ctx.status = 401;
    ctx.set('www-authenticate', 'Bearer error="invalid_token"');
    ctx.body = { error: 'invalid_token' };
    return;
  }
  ctx.body = { account: token.accountId ?? null, client: token.clientId, scope: token.scope ?? null };
});

provider.listen(port, '127.0.0.1');
