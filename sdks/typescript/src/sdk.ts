import { PassthroughCore } from "./core.js";
import * as apiKeys from "./funcs/apiKeys.js";
import * as connections from "./funcs/connections.js";
import * as events from "./funcs/events.js";
import * as health from "./funcs/health.js";
import * as integrations from "./funcs/integrations.js";
import * as linkSessions from "./funcs/linkSessions.js";
import * as providers from "./funcs/providers.js";
import * as publicToken from "./funcs/publicToken.js";
import * as requests from "./funcs/requests.js";
import * as webhookDeliveries from "./funcs/webhookDeliveries.js";
import * as webhookEndpoints from "./funcs/webhookEndpoints.js";
import { passthroughRaw } from "./funcs/passthroughRaw.js";
import { passthroughRequest } from "./funcs/passthroughRequest.js";
import { type ProxyFetchOptions, proxyFetch } from "./funcs/proxyFetch.js";
import type { Fetcher } from "./lib/http.js";
import type { RequestOptions } from "./lib/options.js";
import { resource } from "./lib/resource.js";
import { unwrap } from "./lib/result.js";
import type { RawResponseBody, RequestRequest, RequestResponseBody } from "./models/operations.js";

/** Everything that the server offers, as methods. They give the value, or reject with one of `models/errors`. */
export class Passthrough extends PassthroughCore {
  /** Passthrough requests, with request and answer as JSON. */
  readonly passthrough = {
    /** Makes a passthrough request. Any answer of the provider is a value, with its `statusCode`. */
    request: <T = unknown>(request: RequestRequest, options?: RequestOptions): Promise<RequestResponseBody<T>> =>
      unwrap(passthroughRequest<T>(this, request, options)),
    /** Makes a passthrough request and gives the bytes of a 2xx as they come. */
    raw: <T = unknown>(request: RequestRequest, options?: RequestOptions): Promise<RawResponseBody<T>> =>
      unwrap(passthroughRaw<T>(this, request, options)),
  };

  /** The same as `passthrough.request`, for those who have named the instance `passthrough`. */
  readonly request = this.passthrough.request;
  /** The same as `passthrough.raw`. */
  readonly raw = this.passthrough.raw;

  /** The transparent proxy. */
  readonly proxy = {
    /** A `fetch` that goes to the connection's provider, for other SDKs. See `proxyFetch`. */
    fetch: (connectionToken: string, options?: ProxyFetchOptions): Fetcher =>
      proxyFetch(this, connectionToken, options),
    /**
     * For SDKs that take a base URL instead: they must send the API key as `Authorization: Bearer` and the connection
     * token as the header `Connection-Token`.
     */
    baseURL: `${this.serverURL}/v1/proxy`,
  };

  /** API keys: what a calling application presents. */
  readonly apiKeys = resource(this, {
    /** The keys of the environment, revoked ones too, newest first. */
    list: apiKeys.apiKeysList,
    /** Makes a key; `key` is shown this once. */
    create: apiKeys.apiKeysCreate,
    /** Revokes a key at once. A key may revoke itself. */
    revoke: apiKeys.apiKeysRevoke,
  });

  /** Connections: your customers' accounts at providers. */
  readonly connections = resource(this, {
    /** A page of connections, newest first. */
    list: connections.connectionsList,
    /** Stores a customer's credential; `token` is shown this once. */
    create: connections.connectionsCreate,
    /** One connection. */
    get: connections.connectionsGet,
    /** Changes a connection. What is absent stays; `null` clears. */
    update: connections.connectionsUpdate,
    /** Deletes a connection and its credential. */
    delete: connections.connectionsDelete,
    /** Asks the provider whether the credential is alive. */
    verify: connections.connectionsVerify,
    /** Gets a new credential from the provider now. */
    refresh: connections.connectionsRefresh,
    /** Gives the connection another token; the old one is refused from then on. */
    rotateToken: connections.connectionsRotateToken,
    /** The connection of a connection token. */
    getCurrent: connections.connectionsGetCurrent,
    /** Changes the connection of a connection token. */
    updateCurrent: connections.connectionsUpdateCurrent,
    /** Deletes the connection of a connection token. */
    deleteCurrent: connections.connectionsDeleteCurrent,
  });

  /** Events: what happened to connections and integrations. */
  readonly events = resource(this, {
    /** A page of events, newest first. */
    list: events.eventsList,
    /** One event. */
    get: events.eventsGet,
    /** Sends an event again to every endpoint that wants its type. */
    replay: events.eventsReplay,
  });

  /** Whether the server is well. Needs no API key. */
  readonly health = resource(this, {
    /** Whether the process lives. */
    live: health.healthLive,
    /** Whether it should get requests; an `SDKError` of 503 where not. */
    ready: health.healthReady,
  });

  /** Integrations: providers as you have set them up, with your OAuth client. */
  readonly integrations = resource(this, {
    /** A page of integrations, by key. */
    list: integrations.integrationsList,
    /** Sets up a provider with your OAuth client. */
    create: integrations.integrationsCreate,
    /** One integration. */
    get: integrations.integrationsGet,
    /** Changes an integration. What is absent stays; `null` clears. */
    update: integrations.integrationsUpdate,
    /** Deletes an integration that no connection uses. */
    delete: integrations.integrationsDelete,
  });

  /** Links: pages on which end users authorise their accounts. */
  readonly linkSessions = resource(this, {
    /** Makes a link at which an end user authorises an account. */
    create: linkSessions.linkSessionsCreate,
    /** How far a link has come. */
    get: linkSessions.linkSessionsGet,
  });

  /** Providers: the catalog. */
  readonly providers = resource(this, {
    /** The whole catalog, by code. */
    list: providers.providersList,
    /** One provider, with what a form for its credential needs. */
    get: providers.providersGet,
  });

  /** What an end user comes back with from a link. */
  readonly publicToken = resource(this, {
    /** Gives the connection for the token that an end user came back with. Once. */
    exchange: publicToken.publicTokenExchange,
  });

  /** Records: one line about each passthrough. */
  readonly requests = resource(this, {
    /** A page of records, newest first. One with few or no entries may have a `next` nevertheless. */
    list: requests.requestsList,
    /** The record of one passthrough. */
    get: requests.requestsGet,
  });

  /** Deliveries of events to webhook endpoints. */
  readonly webhookDeliveries = resource(this, {
    /** A page of deliveries, newest first. */
    list: webhookDeliveries.webhookDeliveriesList,
    /** One delivery. */
    get: webhookDeliveries.webhookDeliveriesGet,
    /** Sends it again, whatever came of it. */
    replay: webhookDeliveries.webhookDeliveriesReplay,
  });

  /** Webhook endpoints: where events are sent to. */
  readonly webhookEndpoints = resource(this, {
    /** A page of endpoints, newest first. */
    list: webhookEndpoints.webhookEndpointsList,
    /** Makes an endpoint; `secret` is shown this once. */
    create: webhookEndpoints.webhookEndpointsCreate,
    /** One endpoint. */
    get: webhookEndpoints.webhookEndpointsGet,
    /** Changes an endpoint. What is absent stays. */
    update: webhookEndpoints.webhookEndpointsUpdate,
    /** Deletes an endpoint and its deliveries. */
    delete: webhookEndpoints.webhookEndpointsDelete,
    /** Gives it another `secret`; the old one signs, too, for a day. */
    rotateSecret: webhookEndpoints.webhookEndpointsRotateSecret,
    /** Sends it a `webhook.test`. */
    test: webhookEndpoints.webhookEndpointsTest,
  });
}
