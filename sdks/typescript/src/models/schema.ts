// Generated from openapi.json by `npm run generate`. Not edited by hand.

export interface paths {
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the process lives. Says nothing of the database: restarting would not bring that back. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Health"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What the server does, in numbers (OpenMetrics text). Needs no key: it is served to the server's own machine,
         *     or at the address of the setting `metrics.listen`; to others there is nothing here.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description OpenMetrics text */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/openmetrics-text; version=1.0.0; charset=utf-8": string;
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether it should get requests: the database answers, and it is not stopping. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Health"];
                    };
                };
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The API keys of the environment, newest first. */
        get: {
            parameters: {
                query?: {
                    /** @description `next` of the page before */
                    cursor?: string;
                    /** @description 1 to 500; 50 where absent */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_ApiKey"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        put?: never;
        /** Makes an API key of the same environment. The key is shown this once. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateApiKey"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["CreatedApiKey"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/api-keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revokes an API key. It stays in the list, with the time. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description `key_…` */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/connections": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The connections of the environment, newest first. */
        get: {
            parameters: {
                query?: {
                    /** @description `next` of the page before */
                    cursor?: string;
                    /** @description Only those of this end user */
                    externalId?: string;
                    /** @description Only those of this integration */
                    integration?: string;
                    /** @description 1 to 500; 50 where absent */
                    limit?: number;
                    /** @description Only those at this provider */
                    provider?: string;
                    /** @description `connected`, `disconnected` or `archived` */
                    status?: string;
                    /** @description Only those with this tag */
                    tag?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_Connection"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        put?: never;
        /** Stores a customer's credential. The token is shown this once. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateConnection"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ConnectionWithToken"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                502: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/connections/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One connection. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description `conn_…` */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Connection"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /** Deletes a connection and its credential. */
        delete: {
            parameters: {
                query?: {
                    /** @description Give the grant back to the provider first (OAuth 2.0) */
                    revoke?: boolean;
                };
                header?: never;
                path: {
                    /** @description `conn_…` */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Deleted"];
                    };
                };
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        /** Changes a connection. What is absent stays; `null` clears. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description `conn_…` */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["PatchConnection"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Connection"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/v1/connections/{id}/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Renews the credential now, whether it is due or not; 422 where it does not renew itself, or has ended. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description `conn_…` */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Refreshed"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                502: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/connections/{id}/rotate-token": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Gives the connection a new token, shown this once. The old one is worthless at once. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description `conn_…` */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ConnectionWithToken"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/connections/{id}/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Tries the credential: alive, refused, or unreachable. A refused one is disconnected. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description `conn_…` */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Verification"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/connections/current": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The connection of the presented connection token. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Connection"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /** Deletes the connection of the presented connection token. */
        delete: {
            parameters: {
                query?: {
                    /** @description Give the grant back to the provider first (OAuth 2.0) */
                    revoke?: boolean;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Deleted"];
                    };
                };
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        /** Changes the connection of the presented connection token. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["PatchConnection"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Connection"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What happened to connections and integrations of the environment, newest first. */
        get: {
            parameters: {
                query?: {
                    /** @description Only those of this connection, `conn_…` */
                    connection?: string;
                    /** @description `next` of the page before */
                    cursor?: string;
                    /** @description 1 to 500; 50 where absent */
                    limit?: number;
                    /** @description Only those of this type: `connection.disconnected` */
                    type?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_Event"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One event. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description `evt_…` */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Event"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/{id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sends an event again to every enabled webhook endpoint that wants its type, also to those made after it. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description `evt_…` */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Replayed"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/integrations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The integrations of the environment, by key. Those that providers have implicitly are not among them. */
        get: {
            parameters: {
                query?: {
                    /** @description `next` of the page before */
                    cursor?: string;
                    /** @description 1 to 500; 50 where absent */
                    limit?: number;
                    /** @description Only those of this provider */
                    provider?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_Integration"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        put?: never;
        /** Sets up a provider: its OAuth client, what is asked for, and what is the same for all connections. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateIntegration"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Integration"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/integrations/{key}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One integration, without its secrets. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Its name in this environment */
                    key: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Integration"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /** Deletes an integration that no connection uses. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Its name in this environment */
                    key: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        /** Changes an integration. What is absent stays; `null` clears. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Its name in this environment */
                    key: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["PatchIntegration"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Integration"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/v1/link-sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes a link for an end user. It works for half an hour, for the browser that opens it first. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateLinkSession"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["CreatedLinkSession"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/link-sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How far a link session has come. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description `link_…` */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["LinkSession"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/passthrough": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Makes an authenticated request to the provider and tells its answer, whatever its status, in an
         *     envelope.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description The same as `base` in the body */
                    "Passthrough-Base"?: string | null;
                    /** @description How often the request may be sent again: 0, 1 or 2 */
                    "Passthrough-Retries"?: number | null;
                    /** @description Where the provider said "not before": `wait` or `refuse` */
                    "Passthrough-Throttle"?: string | null;
                    /** @description The same as `timeoutMs` in the body */
                    "Passthrough-Timeout-Ms"?: number | null;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["PassthroughRequest"];
                };
            };
            responses: {
                /** @description The provider answered, with any status */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["PassthroughResponse"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                502: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                504: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/passthrough/raw": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Makes an authenticated request and streams the provider's bytes where it answers 2xx; any other answer
         *     comes as `200` with the envelope. `Passthrough-Source` says which it is.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description The same as `base` in the body */
                    "Passthrough-Base"?: string | null;
                    /** @description How often the request may be sent again: 0, 1 or 2 */
                    "Passthrough-Retries"?: number | null;
                    /** @description Where the provider said "not before": `wait` or `refuse` */
                    "Passthrough-Throttle"?: string | null;
                    /** @description The same as `timeoutMs` in the body */
                    "Passthrough-Timeout-Ms"?: number | null;
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["PassthroughRequest"];
                };
            };
            responses: {
                /** @description The provider's bytes, or the envelope */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["PassthroughResponse"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                502: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                504: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/providers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The providers, by code; all of them on one page. */
        get: {
            parameters: {
                query?: {
                    /** @description Only those of this category */
                    category?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_ProviderSummary"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/providers/{code}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One provider: what a form needs to know of it. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The provider's code */
                    code: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Provider"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/proxy/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Passes a request through as it is: method, path and query behind `/v1/proxy`, headers and body; and the provider's
         *     answer back, both ways streamed. Any method but CONNECT and TRACE, also those that OpenAPI has no place for.
         */
        get: {
            parameters: {
                query?: never;
                header?: {
                    /** @description The name of one of the provider's further base URLs */
                    "Passthrough-Base"?: string | null;
                    /** @description How often the request may be sent again: 0, 1 or 2 */
                    "Passthrough-Retries"?: number | null;
                    /** @description Where the provider said "not before": `wait` or `refuse` */
                    "Passthrough-Throttle"?: string | null;
                    /** @description The deadline of the whole call */
                    "Passthrough-Timeout-Ms"?: number | null;
                };
                path: {
                    /** @description The provider's path, as it is, slashes included; a query goes along */
                    path: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The provider's own answer where `Passthrough-Source` is `provider`; else the error body of the other operations */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        /**
         * Passes a request through as it is: method, path and query behind `/v1/proxy`, headers and body; and the provider's
         *     answer back, both ways streamed. Any method but CONNECT and TRACE, also those that OpenAPI has no place for.
         */
        put: {
            parameters: {
                query?: never;
                header?: {
                    /** @description The name of one of the provider's further base URLs */
                    "Passthrough-Base"?: string | null;
                    /** @description How often the request may be sent again: 0, 1 or 2 */
                    "Passthrough-Retries"?: number | null;
                    /** @description Where the provider said "not before": `wait` or `refuse` */
                    "Passthrough-Throttle"?: string | null;
                    /** @description The deadline of the whole call */
                    "Passthrough-Timeout-Ms"?: number | null;
                };
                path: {
                    /** @description The provider's path, as it is, slashes included; a query goes along */
                    path: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The provider's own answer where `Passthrough-Source` is `provider`; else the error body of the other operations */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        /**
         * Passes a request through as it is: method, path and query behind `/v1/proxy`, headers and body; and the provider's
         *     answer back, both ways streamed. Any method but CONNECT and TRACE, also those that OpenAPI has no place for.
         */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description The name of one of the provider's further base URLs */
                    "Passthrough-Base"?: string | null;
                    /** @description How often the request may be sent again: 0, 1 or 2 */
                    "Passthrough-Retries"?: number | null;
                    /** @description Where the provider said "not before": `wait` or `refuse` */
                    "Passthrough-Throttle"?: string | null;
                    /** @description The deadline of the whole call */
                    "Passthrough-Timeout-Ms"?: number | null;
                };
                path: {
                    /** @description The provider's path, as it is, slashes included; a query goes along */
                    path: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The provider's own answer where `Passthrough-Source` is `provider`; else the error body of the other operations */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        /**
         * Passes a request through as it is: method, path and query behind `/v1/proxy`, headers and body; and the provider's
         *     answer back, both ways streamed. Any method but CONNECT and TRACE, also those that OpenAPI has no place for.
         */
        delete: {
            parameters: {
                query?: never;
                header?: {
                    /** @description The name of one of the provider's further base URLs */
                    "Passthrough-Base"?: string | null;
                    /** @description How often the request may be sent again: 0, 1 or 2 */
                    "Passthrough-Retries"?: number | null;
                    /** @description Where the provider said "not before": `wait` or `refuse` */
                    "Passthrough-Throttle"?: string | null;
                    /** @description The deadline of the whole call */
                    "Passthrough-Timeout-Ms"?: number | null;
                };
                path: {
                    /** @description The provider's path, as it is, slashes included; a query goes along */
                    path: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The provider's own answer where `Passthrough-Source` is `provider`; else the error body of the other operations */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        /**
         * Passes a request through as it is: method, path and query behind `/v1/proxy`, headers and body; and the provider's
         *     answer back, both ways streamed. Any method but CONNECT and TRACE, also those that OpenAPI has no place for.
         */
        options: {
            parameters: {
                query?: never;
                header?: {
                    /** @description The name of one of the provider's further base URLs */
                    "Passthrough-Base"?: string | null;
                    /** @description How often the request may be sent again: 0, 1 or 2 */
                    "Passthrough-Retries"?: number | null;
                    /** @description Where the provider said "not before": `wait` or `refuse` */
                    "Passthrough-Throttle"?: string | null;
                    /** @description The deadline of the whole call */
                    "Passthrough-Timeout-Ms"?: number | null;
                };
                path: {
                    /** @description The provider's path, as it is, slashes included; a query goes along */
                    path: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The provider's own answer where `Passthrough-Source` is `provider`; else the error body of the other operations */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        /**
         * Passes a request through as it is: method, path and query behind `/v1/proxy`, headers and body; and the provider's
         *     answer back, both ways streamed. Any method but CONNECT and TRACE, also those that OpenAPI has no place for.
         */
        head: {
            parameters: {
                query?: never;
                header?: {
                    /** @description The name of one of the provider's further base URLs */
                    "Passthrough-Base"?: string | null;
                    /** @description How often the request may be sent again: 0, 1 or 2 */
                    "Passthrough-Retries"?: number | null;
                    /** @description Where the provider said "not before": `wait` or `refuse` */
                    "Passthrough-Throttle"?: string | null;
                    /** @description The deadline of the whole call */
                    "Passthrough-Timeout-Ms"?: number | null;
                };
                path: {
                    /** @description The provider's path, as it is, slashes included; a query goes along */
                    path: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The provider's own answer where `Passthrough-Source` is `provider`; else the error body of the other operations */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        /**
         * Passes a request through as it is: method, path and query behind `/v1/proxy`, headers and body; and the provider's
         *     answer back, both ways streamed. Any method but CONNECT and TRACE, also those that OpenAPI has no place for.
         */
        patch: {
            parameters: {
                query?: never;
                header?: {
                    /** @description The name of one of the provider's further base URLs */
                    "Passthrough-Base"?: string | null;
                    /** @description How often the request may be sent again: 0, 1 or 2 */
                    "Passthrough-Retries"?: number | null;
                    /** @description Where the provider said "not before": `wait` or `refuse` */
                    "Passthrough-Throttle"?: string | null;
                    /** @description The deadline of the whole call */
                    "Passthrough-Timeout-Ms"?: number | null;
                };
                path: {
                    /** @description The provider's path, as it is, slashes included; a query goes along */
                    path: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The provider's own answer where `Passthrough-Source` is `provider`; else the error body of the other operations */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        trace?: never;
    };
    "/v1/public-token/exchange": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Exchanges what a link ended with for the connection. Once, and within ten minutes. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ExchangePublicToken"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["LinkedConnection"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The records of the environment, newest first.
         * @description A page may have fewer entries than asked for, or none, and nevertheless a `next`: where those that fit are rare,
         *     one request does not search through all.
         */
        get: {
            parameters: {
                query?: {
                    /** @description Only those on this connection */
                    connectionId?: string;
                    /** @description `next` of the page before */
                    cursor?: string;
                    /** @description Only those that failed with this code */
                    errorCode?: string;
                    /** @description RFC 3339, inclusive */
                    from?: string;
                    /** @description 1 to 500; 50 where absent */
                    limit?: number;
                    /** @description Only those to this provider */
                    provider?: string;
                    /** @description The provider's status: `404`, or a class: `4xx` */
                    status?: string;
                    /** @description RFC 3339, exclusive */
                    to?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_Record"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/requests/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One record. It appears within a second of the call. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description `req_…` */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Record"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The deliveries of the environment, those of the newest events first. */
        get: {
            parameters: {
                query?: {
                    /** @description `next` of the page before */
                    cursor?: string;
                    /** @description Only those to this endpoint, `whk_…` */
                    endpoint?: string;
                    /** @description Only those of this event, `evt_…` */
                    event?: string;
                    /** @description 1 to 500; 50 where absent */
                    limit?: number;
                    /** @description `pending`, `delivered` or `failed` */
                    status?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_WebhookDelivery"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-deliveries/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One delivery. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description `dlv_…` */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["WebhookDelivery"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-deliveries/{id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sends one delivery again, whatever came of it; the message keeps its id. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description `dlv_…` */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["WebhookDelivery"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-endpoints": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The webhook endpoints of the environment, newest first. */
        get: {
            parameters: {
                query?: {
                    /** @description `next` of the page before */
                    cursor?: string;
                    /** @description 1 to 500; 50 where absent */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Page_WebhookEndpoint"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        put?: never;
        /** Makes a webhook endpoint. Its secret is shown this once. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CreateWebhookEndpoint"];
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["WebhookEndpointWithSecret"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-endpoints/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One webhook endpoint, without its secret. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description `whk_…` */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["WebhookEndpoint"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /** Deletes a webhook endpoint and its deliveries. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description `whk_…` */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        /** Changes a webhook endpoint: where to, which types, on or off. What is absent stays. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description `whk_…` */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["PatchWebhookEndpoint"];
                };
            };
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["WebhookEndpoint"];
                    };
                };
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/v1/webhook-endpoints/{id}/rotate-secret": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Gives an endpoint another secret, shown this once. For a day the old one signs, too. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description `whk_…` */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["WebhookEndpointWithSecret"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhook-endpoints/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sends an event of the type `webhook.test` to this endpoint. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description `whk_…` */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["WebhookDelivery"];
                    };
                };
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ErrorBody"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description The account at the provider. */
        Account: {
            /** @description Its id there. */
            id?: string | null;
            /** @description What a person would recognise. */
            label?: string | null;
        };
        /** @description An API key, without the key. */
        ApiKey: {
            /** @description RFC 3339. */
            createdAt: string;
            /** @description The environment that it opens. */
            environment: string;
            /** @description RFC 3339; never, where absent. */
            expiresAt?: string | null;
            /** @description `key_<ULID>`. */
            id: string;
            /** @description RFC 3339, to the hour. */
            lastUsedAt?: string | null;
            /** @description The operator's own name for it. */
            name: string;
            /** @description RFC 3339; set once it has been revoked. */
            revokedAt?: string | null;
        };
        /** @description One way to authenticate. */
        Auth: {
            /** @description Whether a call is known that proves the credential. */
            canVerify: boolean;
            /** @description Where a person finds the secret. */
            description?: string | null;
            /** @description What the user gives. */
            fields: {
                [key: string]: components["schemas"]["Field"];
            };
            /** @description How the secret is obtained: `static`. */
            grant: string;
            /** @description What a form shows. */
            label: string;
        };
        /**
         * @description How `body` is to be read.
         * @enum {string}
         */
        BodyEncoding: "text" | "base64";
        /** @description A connection. No answer ever contains a stored credential. */
        Connection: {
            account?: components["schemas"]["Account"] | null;
            /** @description The auth entry. */
            auth: string;
            /** @description RFC 3339. */
            createdAt: string;
            credential?: components["schemas"]["CredentialState"] | null;
            /** @description The end user's id in the caller's product. */
            externalId?: string | null;
            /** @description `conn_<ULID>`. */
            id: string;
            /** @description The integration's key. */
            integration: string;
            /** @description The operator's own name for it. */
            name?: string | null;
            /** @description The provider's code. */
            provider: string;
            /** @description `connected`, `disconnected` or `archived`. */
            status: string;
            /** @description Free labels. */
            tags: string[];
            /** @description RFC 3339. */
            updatedAt: string;
            /** @description RFC 3339 of the last verification that found the credential alive. */
            verifiedAt?: string | null;
        };
        /** @description A connection with its token: shown at creation and rotation, never again. */
        ConnectionWithToken: components["schemas"]["Connection"] & {
            /** @description `con_tkn_…`. */
            token: string;
            verification?: components["schemas"]["Verification"] | null;
        };
        /** @description `POST /v1/api-keys`. */
        CreateApiKey: {
            /** @description RFC 3339; never, where absent. */
            expiresAt?: string | null;
            /** @description The operator's own name for it. */
            name: string;
        };
        /** @description `POST /v1/connections`. */
        CreateConnection: {
            /** @description The auth entry; may be left out where the credentials say which it is. */
            auth?: string | null;
            /** @description The fields of the auth entry. */
            credentials: {
                [key: string]: string;
            };
            /** @description The end user's id in the caller's product. */
            externalId?: string | null;
            /** @description The integration's key. This or `provider`. */
            integration?: string | null;
            /** @description The operator's own name for it. */
            name?: string | null;
            /** @description The provider's code. This or `integration`. */
            provider?: string | null;
            /** @description Free labels. */
            tags: string[];
            /** @description The variables of the provider. */
            variables: {
                [key: string]: string;
            };
            /** @description Whether to prove the credential before it is stored. */
            verify: boolean;
        };
        /** @description An API key just made, with the key: this is the only time that it is shown. */
        CreatedApiKey: components["schemas"]["ApiKey"] & {
            /** @description `sk_…`. */
            key: string;
        };
        /** @description A link session just made, with the URL for the end user: this is the only time that it is shown. */
        CreatedLinkSession: {
            /** @description RFC 3339. */
            expiresAt: string;
            /** @description `link_<ULID>`. */
            id: string;
            /**
             * @description The language that the pages will have, `en` or `de`; absent where the browser decides, because none of the two was
             *     asked for.
             */
            locale?: string | null;
            /** @description Where the end user goes. Whoever opens it first is the one who links. */
            url: string;
        };
        /** @description `POST /v1/integrations`. */
        CreateIntegration: {
            /** @description Hosts that variables of its connections may name: whole names, or domains that begin with a dot. */
            allowHosts: string[];
            /** @description Further parameters of the page where end users consent. */
            authorizeParams: {
                [key: string]: string;
            };
            /** @description The OAuth client's id. */
            clientId?: string | null;
            /** @description The OAuth client's secret. */
            clientSecret?: string | null;
            /** @description Its name in this environment: 1 to 63 of a-z, 0-9 and `-`. The provider's code where absent. */
            key?: string | null;
            /** @description The operator's own name for it. */
            name?: string | null;
            /** @description A private key in PEM, by which the client shows who it is (`private_key_jwt`). */
            privateKey?: string | null;
            /** @description The private key's id at the provider (`kid`). */
            privateKeyId?: string | null;
            /** @description The provider's code. */
            provider: string;
            /** @description `none`, `headers` or `headers-and-bodies`. */
            redactReflections?: string | null;
            /** @description What to ask for in place of the provider's usual scopes. */
            scopes?: string[] | null;
            /** @description Variables that are the same for all of its connections: their users are not asked and cannot change them. */
            variables: {
                [key: string]: string;
            };
        };
        /** @description `POST /v1/link-sessions`. */
        CreateLinkSession: {
            /** @description The connection that is linked again: it keeps its id and its token. */
            connectionId?: string | null;
            /** @description The end user's id in the caller's product. */
            externalId?: string | null;
            /**
             * @description The integration that is linked. This, `providers`, `connectionId`, or none of them: then the end user may
             *     choose among all.
             */
            integration?: string | null;
            /**
             * @description The language of the pages, such as `en` or `de-AT`; the browser's where absent. They are there in English and
             *     German; where another is asked for, the browser decides which of the two.
             */
            locale?: string | null;
            /** @description The operator's own name for the connection. */
            name?: string | null;
            /**
             * @description The origin of the page that opened the link and is told the result by `postMessage`. It must be allowed by the
             *     setting `link.message_origins`.
             */
            origin?: string | null;
            /** @description Codes of providers, or keys of integrations, among which the end user may choose. */
            providers?: string[];
            /**
             * @description Where the end user is sent afterwards, with `token` or `error` added to its query. It must be allowed by the
             *     setting `link.redirect_urls`.
             */
            redirectUrl?: string | null;
            /** @description Free labels for the connection. */
            tags?: string[];
        };
        /** @description `POST /v1/webhook-endpoints`. */
        CreateWebhookEndpoint: {
            /** @description The kinds of events that it is told of; all where empty or absent. */
            kinds?: string[];
            /** @description Where events are to be sent to: `https://…`. */
            url: string;
        };
        /** @description How a connection's credential is. Nothing of it is the credential. */
        CredentialState: {
            /**
             * @description Why that failed the last time, or why the connection is disconnected: the provider's word such as
             *     `invalid_grant`, or `verify` where it refused it when asked to verify it.
             */
            error?: string | null;
            /** @description RFC 3339; when it ends, where that is known. One that renews itself is renewed before. */
            expiresAt?: string | null;
            /**
             * Format: int32
             * @description How often renewing it has failed in a row; absent for never.
             */
            failures?: number | null;
            /** @description RFC 3339; after which it cannot be renewed any more, where that is known. */
            refreshExpiresAt?: string | null;
            /** @description RFC 3339; before which renewing it is not tried again, unless somebody asks for it. */
            retryAt?: string | null;
            /** @description RFC 3339; since when it is this one: it was given, or its provider renewed it. */
            since?: string | null;
        };
        /** @description The answer of `DELETE /v1/connections/{id}?revoke=true`. */
        Deleted: {
            /** @description Whether the provider has taken the grant back. The connection is deleted either way. */
            revoked: components["schemas"]["Revocation"];
        };
        /** @description The body of every error of ours. */
        ErrorBody: {
            /** @description A name to branch on. */
            code: components["schemas"]["ErrorCode"];
            /**
             * @description More, by code: for `bad_request` an array of `{message, path, suggestion?}`, for `bad_gateway` and
             *     `gateway_timeout` an object with `reason`, for `connection_disconnected` one with `linkUrl`: where the end user
             *     links the account again.
             */
            detail?: unknown;
            /** @description A sentence for a person: what is wrong and what to do. */
            message: string;
            /**
             * @description Who is at fault: `caller`, `connection`, `provider` or `passthrough`.
             * @example caller
             */
            origin: string;
            /** @description `req_<ULID>`, to be found in the records and the log. */
            requestId: string;
            /** @description Whether the same request may succeed later. */
            retryable: boolean;
            /**
             * @description Whether anything reached the provider: `no`, `unknown` or `yes`.
             * @example no
             */
            sent: string;
        };
        /**
         * @description What went wrong, as a name to branch on.
         * @enum {string}
         */
        ErrorCode: "bad_request" | "unauthorized" | "forbidden" | "not_found" | "method_not_allowed" | "conflict" | "payload_too_large" | "connection_disconnected" | "invalid_credentials" | "insufficient_permissions" | "unprocessable_entity" | "too_many_requests" | "internal_server_error" | "not_implemented" | "bad_gateway" | "overloaded" | "refresh_in_progress" | "circuit_open" | "unavailable" | "gateway_timeout";
        /** @description Something that happened. Holds nothing secret: it is what webhooks are sent. */
        Event: {
            /** @description What there is to say of it; `connectionId` and `integration` where it is about one. */
            data: {
                [key: string]: unknown;
            };
            /** @description `evt_<ULID>`. */
            id: string;
            /** @description RFC 3339; when it happened. */
            timestamp: string;
            /** @description What happened: `connection.disconnected`. */
            type: string;
        };
        /** @description `POST /v1/public-token/exchange`. */
        ExchangePublicToken: {
            /** @description `pub_tkn_…`, as the link ended with. */
            publicToken: string;
        };
        /** @description One thing that a user gives. */
        Field: {
            /** @description The value where none is given. */
            default?: string | null;
            /** @description Where a person finds it. */
            description?: string | null;
            /** @description The only values that it may have. */
            enum?: string[] | null;
            /** @description A value as it may look. */
            example?: string | null;
            /** @description What a form shows. */
            label: string;
            /** @description A regular expression over the whole value. */
            pattern?: string | null;
            /** @description Whether it must be given. */
            required: boolean;
            /** @description Whether a form hides it. */
            secret: boolean;
        };
        /** @description The value of a header, or its values where it came more than once. */
        HeaderValues: string | string[];
        /** @description A state. */
        Health: {
            /** @description `ok`. */
            status: string;
        };
        /** @description An integration. Its secrets can be written and never read. */
        Integration: {
            /** @description Hosts that variables of its connections may name besides those of the provider's file. */
            allowHosts: string[];
            /** @description Further parameters of the page where end users consent. */
            authorizeParams: {
                [key: string]: string;
            };
            /** @description The OAuth client's id. */
            clientId?: string | null;
            /** @description RFC 3339; when the provider last refused the OAuth client. Gone once another client is given. */
            clientRejectedAt?: string | null;
            /** @description RFC 3339. */
            createdAt: string;
            /** @description Whether there is a client secret. */
            hasClientSecret: boolean;
            /** @description Whether there is a private key, by which the client shows who it is. */
            hasPrivateKey: boolean;
            /** @description Its name in this environment; part of the redirect URI. */
            key: string;
            /** @description The operator's own name for it; end users see it where several integrations stand to choose from. */
            name?: string | null;
            /** @description The private key's id at the provider. */
            privateKeyId?: string | null;
            /** @description The provider's code. */
            provider: string;
            /** @description `none`, `headers` or `headers-and-bodies`, in place of what the provider's file says. */
            redactReflections?: string | null;
            /** @description What to register as redirect URI (callback URL) in the provider's developer console. */
            redirectUri: string;
            /** @description What is asked for in place of the provider's usual scopes. */
            scopes?: string[] | null;
            /** @description RFC 3339. */
            updatedAt: string;
            /** @description Variables that are the same for all of its connections. The value of a secret one is `null`. */
            variables: {
                [key: string]: string | null;
            };
        };
        /** @description The connection that was linked. */
        LinkedConnection: components["schemas"]["Connection"] & {
            /**
             * @description `con_tkn_…`. Absent where an account was linked again that has its token already: that one stays valid, and
             *     is known only to whoever was given it.
             */
            token?: string | null;
        };
        /** @description A link session, without its URL. */
        LinkSession: {
            /** @description The connection: the one that is linked again, or that was made. */
            connectionId?: string | null;
            /** @description RFC 3339. */
            createdAt: string;
            /** @description What went wrong last, as a word: `access_denied`, `invalid_credentials`, … */
            error?: string | null;
            /** @description RFC 3339. */
            expiresAt: string;
            /** @description The end user's id in the caller's product. */
            externalId?: string | null;
            /** @description `link_<ULID>`. */
            id: string;
            /** @description The integrations that the end user may choose among; empty for all. */
            integrations: string[];
            /** @description How far it has come. */
            status: components["schemas"]["LinkStatus"];
            /** @description Free labels for the connection. */
            tags: string[];
        };
        /**
         * @description How far a link session has come.
         * @enum {string}
         */
        LinkStatus: "open" | "started" | "done" | "failed" | "cancelled" | "expired";
        /**
         * @description The methods of the envelope.
         * @enum {string}
         */
        Method: "GET" | "HEAD" | "OPTIONS" | "POST" | "PUT" | "PATCH" | "DELETE";
        /** @description One value or several: several repeat the key. */
        OneOrMany: string[];
        /** @description One page of a list. */
        Page_ApiKey: {
            /** @description The cursor of the next page, where there is one. */
            next?: string | null;
            /** @description The entries, newest first. */
            results: {
                /** @description RFC 3339. */
                createdAt: string;
                /** @description The environment that it opens. */
                environment: string;
                /** @description RFC 3339; never, where absent. */
                expiresAt?: string | null;
                /** @description `key_<ULID>`. */
                id: string;
                /** @description RFC 3339, to the hour. */
                lastUsedAt?: string | null;
                /** @description The operator's own name for it. */
                name: string;
                /** @description RFC 3339; set once it has been revoked. */
                revokedAt?: string | null;
            }[];
        };
        /** @description One page of a list. */
        Page_Connection: {
            /** @description The cursor of the next page, where there is one. */
            next?: string | null;
            /** @description The entries, newest first. */
            results: {
                account?: components["schemas"]["Account"] | null;
                /** @description The auth entry. */
                auth: string;
                /** @description RFC 3339. */
                createdAt: string;
                credential?: components["schemas"]["CredentialState"] | null;
                /** @description The end user's id in the caller's product. */
                externalId?: string | null;
                /** @description `conn_<ULID>`. */
                id: string;
                /** @description The integration's key. */
                integration: string;
                /** @description The operator's own name for it. */
                name?: string | null;
                /** @description The provider's code. */
                provider: string;
                /** @description `connected`, `disconnected` or `archived`. */
                status: string;
                /** @description Free labels. */
                tags: string[];
                /** @description RFC 3339. */
                updatedAt: string;
                /** @description RFC 3339 of the last verification that found the credential alive. */
                verifiedAt?: string | null;
            }[];
        };
        /** @description One page of a list. */
        Page_Event: {
            /** @description The cursor of the next page, where there is one. */
            next?: string | null;
            /** @description The entries, newest first. */
            results: {
                /** @description What there is to say of it; `connectionId` and `integration` where it is about one. */
                data: {
                    [key: string]: unknown;
                };
                /** @description `evt_<ULID>`. */
                id: string;
                /** @description RFC 3339; when it happened. */
                timestamp: string;
                /** @description What happened: `connection.disconnected`. */
                type: string;
            }[];
        };
        /** @description One page of a list. */
        Page_Integration: {
            /** @description The cursor of the next page, where there is one. */
            next?: string | null;
            /** @description The entries, newest first. */
            results: {
                /** @description Hosts that variables of its connections may name besides those of the provider's file. */
                allowHosts: string[];
                /** @description Further parameters of the page where end users consent. */
                authorizeParams: {
                    [key: string]: string;
                };
                /** @description The OAuth client's id. */
                clientId?: string | null;
                /** @description RFC 3339; when the provider last refused the OAuth client. Gone once another client is given. */
                clientRejectedAt?: string | null;
                /** @description RFC 3339. */
                createdAt: string;
                /** @description Whether there is a client secret. */
                hasClientSecret: boolean;
                /** @description Whether there is a private key, by which the client shows who it is. */
                hasPrivateKey: boolean;
                /** @description Its name in this environment; part of the redirect URI. */
                key: string;
                /** @description The operator's own name for it; end users see it where several integrations stand to choose from. */
                name?: string | null;
                /** @description The private key's id at the provider. */
                privateKeyId?: string | null;
                /** @description The provider's code. */
                provider: string;
                /** @description `none`, `headers` or `headers-and-bodies`, in place of what the provider's file says. */
                redactReflections?: string | null;
                /** @description What to register as redirect URI (callback URL) in the provider's developer console. */
                redirectUri: string;
                /** @description What is asked for in place of the provider's usual scopes. */
                scopes?: string[] | null;
                /** @description RFC 3339. */
                updatedAt: string;
                /** @description Variables that are the same for all of its connections. The value of a secret one is `null`. */
                variables: {
                    [key: string]: string | null;
                };
            }[];
        };
        /** @description One page of a list. */
        Page_ProviderSummary: {
            /** @description The cursor of the next page, where there is one. */
            next?: string | null;
            /** @description The entries, newest first. */
            results: {
                /** @description The names of its auth entries. */
                auth: string[];
                /** @description What it is about. */
                categories: string[];
                /** @description Its code. */
                code: string;
                /** @description The product's name. */
                name: string;
                /** @description `live`, `beta` or `deprecated`. */
                status: string;
            }[];
        };
        /** @description One page of a list. */
        Page_Record: {
            /** @description The cursor of the next page, where there is one. */
            next?: string | null;
            /** @description The entries, newest first. */
            results: {
                /** @description The API key. */
                apiKeyId?: string | null;
                /**
                 * Format: int32
                 * @description How many times the provider was called.
                 */
                attempts: number;
                /** @description The connection, where the token led to one. */
                connectionId?: string | null;
                /** @description The door: `envelope`, `raw`, `proxy`, `terminal` or `panora`. */
                door: string;
                /**
                 * Format: int64
                 * @description The whole, in milliseconds.
                 */
                durationMs: number;
                /** @description Our error code, where we failed. */
                errorCode?: string | null;
                /** @description The reason of the code, where it has several: `detail.reason` or `detail.scope` of the error. */
                errorReason?: string | null;
                /** @description `req_<ULID>`. */
                id: string;
                /** @description The method. */
                method: string;
                /** @description Who was at fault. */
                origin?: string | null;
                /** @description The path, without its query. */
                path: string;
                /** @description The provider's code. */
                provider?: string | null;
                providerLimit?: components["schemas"]["ProviderLimit"] | null;
                /**
                 * Format: int64
                 * @description Bytes of body sent to the provider.
                 */
                requestBytes: number;
                /**
                 * Format: int64
                 * @description Bytes of body received from the provider.
                 */
                responseBytes: number;
                /** @description Whether anything reached the provider. */
                sent: string;
                /** @description RFC 3339. */
                startedAt: string;
                /**
                 * Format: int32
                 * @description The provider's status, where it answered.
                 */
                statusCode?: number | null;
                /**
                 * Format: int64
                 * @description The provider's part of it.
                 */
                upstreamDurationMs?: number | null;
            }[];
        };
        /** @description One page of a list. */
        Page_WebhookDelivery: {
            /** @description The cursor of the next page, where there is one. */
            next?: string | null;
            /** @description The entries, newest first. */
            results: {
                /**
                 * Format: int32
                 * @description How often it was tried.
                 */
                attempts: number;
                /** @description RFC 3339. */
                createdAt: string;
                /** @description RFC 3339. */
                deliveredAt?: string | null;
                /** @description The endpoint. */
                endpointId: string;
                /** @description The event; also the message's `webhook-id`. */
                eventId: string;
                /** @description `dlv_<ULID>`. */
                id: string;
                /** @description A short word for why the last try did not count: `status`, `dns`, `connect`, `tls`, `blocked_address`, `total_timeout`. */
                lastError?: string | null;
                /**
                 * Format: int32
                 * @description The endpoint's last status, where it answered.
                 */
                lastStatusCode?: number | null;
                /** @description RFC 3339; when it is tried next. */
                nextAttemptAt?: string | null;
                /** @description `pending`, `delivered` or `failed`. */
                status: string;
            }[];
        };
        /** @description One page of a list. */
        Page_WebhookEndpoint: {
            /** @description The cursor of the next page, where there is one. */
            next?: string | null;
            /** @description The entries, newest first. */
            results: {
                /** @description RFC 3339. */
                createdAt: string;
                /** @description Whether it is told of anything. */
                enabled: boolean;
                /** @description `whk_<ULID>`. */
                id: string;
                /** @description The kinds of events that it is told of; all where empty. */
                kinds: string[];
                /** @description RFC 3339; until when the secret before the last rotation signs, too. */
                oldSecretUntil?: string | null;
                /** @description RFC 3339. */
                updatedAt: string;
                /** @description Where events are sent to. */
                url: string;
            }[];
        };
        /** @description One part of a `multipart/form-data` body. */
        Part: {
            /** @description Its bytes. This or `value`. */
            base64?: string | null;
            /** @description What the part is. */
            contentType?: string | null;
            /** @description A file name to send: a name only, never read from a disk. */
            filename?: string | null;
            /** @description The field's name. */
            name: string;
            /** @description Its text. This or `base64`. */
            value?: string | null;
        };
        /**
         * @description A passthrough request.
         * @example {
         *       "method": "GET",
         *       "path": "/v1/items?limit=10"
         *     }
         */
        PassthroughRequest: {
            /** @description The name of one of the provider's further base URLs. */
            base?: string | null;
            /** @description A string goes out byte for byte; any other JSON value goes out as JSON, its text unchanged. */
            body?: unknown;
            /** @description How `body` is to be read. */
            bodyEncoding?: components["schemas"]["BodyEncoding"];
            /** @description Sent as `application/x-www-form-urlencoded`: an object, or an array of `[name, value]`. */
            form?: unknown;
            /** @description Headers for the provider. The connection's credential is added by us and always wins. */
            headers?: {
                [key: string]: components["schemas"]["OneOrMany"];
            };
            /** @description The method. */
            method: components["schemas"]["Method"];
            /** @description Sent as `multipart/form-data`. */
            multipart?: components["schemas"]["Part"][] | null;
            /** @description Begins with `/`; may hold a query. */
            path: string;
            /** @description Appended to the path's query; arrays repeat the key. */
            query?: {
                [key: string]: components["schemas"]["OneOrMany"];
            };
            /** @description How `response` is to be presented. */
            responseAs?: components["schemas"]["ResponseAs"];
            /**
             * Format: int64
             * @description Total deadline of this call in milliseconds, up to the configured maximum.
             */
            timeoutMs?: number | null;
        };
        /** @description A passthrough response: any answer of the provider, whatever its status. */
        PassthroughResponse: {
            /**
             * Format: int32
             * @description How many times the provider was called.
             */
            attempts: number;
            /**
             * Format: int64
             * @description The whole, in milliseconds.
             */
            durationMs: number;
            /** @description The provider's headers, names as received; one that came more than once is an array. */
            headers: {
                [key: string]: components["schemas"]["HeaderValues"];
            };
            /** @description As sent. */
            method: string;
            /** @description As sent, without the base URL; secrets that injection put there are `***`. */
            path: string;
            /** @description `req_<ULID>`. */
            requestId: string;
            /** @description The body. */
            response: unknown;
            /** @description What `response` is: `json`, `text` or `base64`. */
            responseEncoding: string;
            /**
             * Format: int32
             * @description The provider's status.
             */
            statusCode: number;
            /**
             * Format: int64
             * @description The provider's part of it.
             */
            upstreamDurationMs: number;
        };
        /** @description `PATCH /v1/connections/{id}`. What is absent stays; `null` clears. */
        PatchConnection: {
            /** @description New fields of the auth entry, all of them. */
            credentials?: {
                [key: string]: string;
            } | null;
            /** @description The end user's id in the caller's product. */
            externalId?: string | null;
            /** @description The operator's own name for it. */
            name?: string | null;
            /** @description `archived` puts it away, `connected` takes it back. */
            status?: string | null;
            /** @description Free labels, all of them. */
            tags?: string[] | null;
            /** @description New variables, all of them. */
            variables?: {
                [key: string]: string;
            } | null;
        };
        /** @description `PATCH /v1/integrations/{key}`. What is absent stays; `null` clears. Key and provider cannot be changed. */
        PatchIntegration: {
            /** @description Hosts that variables of its connections may name, all of them. */
            allowHosts?: string[] | null;
            /** @description Further parameters of the page where end users consent, all of them. */
            authorizeParams?: {
                [key: string]: string;
            } | null;
            /** @description The OAuth client's id. */
            clientId?: string | null;
            /** @description The OAuth client's secret. */
            clientSecret?: string | null;
            /** @description The operator's own name for it. */
            name?: string | null;
            /** @description A private key in PEM. */
            privateKey?: string | null;
            /** @description The private key's id at the provider. */
            privateKeyId?: string | null;
            /** @description `none`, `headers` or `headers-and-bodies`; `null` for what the provider's file says. */
            redactReflections?: string | null;
            /** @description What to ask for, all of it; `null` for the provider's usual scopes. */
            scopes?: string[] | null;
            /** @description Variables that are the same for all of its connections, all of them. */
            variables?: {
                [key: string]: string;
            } | null;
        };
        /** @description `PATCH /v1/webhook-endpoints/{id}`. What is absent stays. */
        PatchWebhookEndpoint: {
            /** @description Whether it is told of anything. */
            enabled?: boolean | null;
            /** @description The kinds of events that it is told of, all of them; all kinds where empty. */
            kinds?: string[] | null;
            /** @description Where events are to be sent to. */
            url?: string | null;
        };
        /** @description A provider, whole. */
        Provider: {
            /** @description The ways to authenticate. */
            auth: {
                [key: string]: components["schemas"]["Auth"];
            };
            /** @description Where the API is, with its variables. */
            baseUrl: string;
            /** @description More places, by the name that goes into `base`. */
            baseUrls: {
                [key: string]: string;
            };
            /** @description What it is about. */
            categories: string[];
            /** @description Its code. */
            code: string;
            /** @description The day that it goes away. */
            deprecatedOn?: string | null;
            /** @description The API's documentation. */
            docs?: string | null;
            /** @description The product's name. */
            name: string;
            /** @description `live`, `beta` or `deprecated`. */
            status: string;
            /** @description What differs between accounts. */
            variables: {
                [key: string]: components["schemas"]["Field"];
            };
            /** @description The product's home page. */
            website?: string | null;
        };
        /** @description What a provider said about its own limits; what it did not say is absent. */
        ProviderLimit: {
            /**
             * Format: int64
             * @description Calls in a window.
             */
            limit?: number | null;
            /**
             * Format: int64
             * @description Calls left in it.
             */
            remaining?: number | null;
            /** @description When the window ends, or the next call may come: RFC 3339. */
            resetsAt?: string | null;
        };
        /** @description A provider in a list. */
        ProviderSummary: {
            /** @description The names of its auth entries. */
            auth: string[];
            /** @description What it is about. */
            categories: string[];
            /** @description Its code. */
            code: string;
            /** @description The product's name. */
            name: string;
            /** @description `live`, `beta` or `deprecated`. */
            status: string;
        };
        /** @description What is kept about one passthrough: no body, no query string, no header. */
        Record: {
            /** @description The API key. */
            apiKeyId?: string | null;
            /**
             * Format: int32
             * @description How many times the provider was called.
             */
            attempts: number;
            /** @description The connection, where the token led to one. */
            connectionId?: string | null;
            /** @description The door: `envelope`, `raw`, `proxy`, `terminal` or `panora`. */
            door: string;
            /**
             * Format: int64
             * @description The whole, in milliseconds.
             */
            durationMs: number;
            /** @description Our error code, where we failed. */
            errorCode?: string | null;
            /** @description The reason of the code, where it has several: `detail.reason` or `detail.scope` of the error. */
            errorReason?: string | null;
            /** @description `req_<ULID>`. */
            id: string;
            /** @description The method. */
            method: string;
            /** @description Who was at fault. */
            origin?: string | null;
            /** @description The path, without its query. */
            path: string;
            /** @description The provider's code. */
            provider?: string | null;
            providerLimit?: components["schemas"]["ProviderLimit"] | null;
            /**
             * Format: int64
             * @description Bytes of body sent to the provider.
             */
            requestBytes: number;
            /**
             * Format: int64
             * @description Bytes of body received from the provider.
             */
            responseBytes: number;
            /** @description Whether anything reached the provider. */
            sent: string;
            /** @description RFC 3339. */
            startedAt: string;
            /**
             * Format: int32
             * @description The provider's status, where it answered.
             */
            statusCode?: number | null;
            /**
             * Format: int64
             * @description The provider's part of it.
             */
            upstreamDurationMs?: number | null;
        };
        /** @description The answer of `POST /v1/connections/{id}/refresh`. */
        Refreshed: {
            /** @description RFC 3339; when the new credential ends, where the provider said so. */
            expiresAt?: string | null;
        };
        /** @description The answer of `POST /v1/events/{id}/replay`. */
        Replayed: {
            /** @description To how many endpoints it is sent again. */
            deliveries: number;
        };
        /**
         * @description How `response` is to be presented.
         * @enum {string}
         */
        ResponseAs: "auto" | "json" | "text" | "base64";
        /**
         * @description What came of giving a grant back to its provider.
         * @enum {string}
         */
        Revocation: "done" | "not_offered" | "failed";
        /** @description The answer of `POST /v1/connections/{id}/verify`. */
        Verification: {
            account?: components["schemas"]["Account"] | null;
            /** @description A sentence for a person. */
            message: string;
            /** @description What the call showed. */
            result: components["schemas"]["VerificationResult"];
            /**
             * Format: int32
             * @description The provider's status, where it answered.
             */
            statusCode?: number | null;
        };
        /**
         * @description What a verification showed.
         * @enum {string}
         */
        VerificationResult: "alive" | "refused" | "unreachable";
        /** @description The delivery of one event to one endpoint. */
        WebhookDelivery: {
            /**
             * Format: int32
             * @description How often it was tried.
             */
            attempts: number;
            /** @description RFC 3339. */
            createdAt: string;
            /** @description RFC 3339. */
            deliveredAt?: string | null;
            /** @description The endpoint. */
            endpointId: string;
            /** @description The event; also the message's `webhook-id`. */
            eventId: string;
            /** @description `dlv_<ULID>`. */
            id: string;
            /** @description A short word for why the last try did not count: `status`, `dns`, `connect`, `tls`, `blocked_address`, `total_timeout`. */
            lastError?: string | null;
            /**
             * Format: int32
             * @description The endpoint's last status, where it answered.
             */
            lastStatusCode?: number | null;
            /** @description RFC 3339; when it is tried next. */
            nextAttemptAt?: string | null;
            /** @description `pending`, `delivered` or `failed`. */
            status: string;
        };
        /** @description A webhook endpoint, without its secret. */
        WebhookEndpoint: {
            /** @description RFC 3339. */
            createdAt: string;
            /** @description Whether it is told of anything. */
            enabled: boolean;
            /** @description `whk_<ULID>`. */
            id: string;
            /** @description The kinds of events that it is told of; all where empty. */
            kinds: string[];
            /** @description RFC 3339; until when the secret before the last rotation signs, too. */
            oldSecretUntil?: string | null;
            /** @description RFC 3339. */
            updatedAt: string;
            /** @description Where events are sent to. */
            url: string;
        };
        /** @description A webhook endpoint with its secret: shown at creation and rotation, never again. */
        WebhookEndpointWithSecret: components["schemas"]["WebhookEndpoint"] & {
            /** @description `whsec_…`: what a receiver checks signatures with. */
            secret: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
